import { ask } from '../api.js';
import { html, useState } from '../html.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { Dialog } from '../parts/dialog.js';
import { ProblemNote } from '../parts/problem.js';
import { goTo } from '../router.js';
import { Secret } from './secret.js';
import { attemptWords } from './words.js';

/** What can be done with a webhook. @param {{ webhook: any, onDone: () => void }} props */
export function WebhookActions({ webhook, onDone }) {
  const path = `/webhooks/${webhook.id}`;
  const [isAsking, setAsking] = useState(false);
  const [isRotating, setRotating] = useState(false);
  const [tested, setTested] = useState(/** @type {any} */ (undefined));
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  /** @param {() => Promise<void>} deed */
  const doIt = async (deed) => {
    setAsking(true);
    setError(undefined);
    try {
      await deed();
    } catch (thrown) {
      setError(thrown);
    }
    setAsking(false);
  };
  const test = () => doIt(async () => setTested(await ask(`${path}/test`, { method: 'POST' })));
  const isPaused = webhook.state === 'paused';
  const pause = () =>
    doIt(async () => {
      await ask(path, { method: 'PATCH', body: { paused: !isPaused } });
      onDone();
    });
  const remove = () =>
    doIt(async () => {
      await ask(path, { method: 'DELETE' });
      goTo(['webhooks']);
    });
  return html`<div class="webhooks-actions">
      <button type="button" disabled=${isAsking} onClick=${test}>Send a test</button>
      <button type="button" disabled=${isAsking} onClick=${pause}>${isPaused ? 'Resume' : 'Pause'}</button>
      <button type="button" onClick=${() => setRotating(true)}>Rotate the secret</button>
      <${ConfirmButton}
        label="Delete"
        question="It goes with all its deliveries, those that wait too."
        onConfirm=${remove}
      />
    </div>
    <div role="status">${tested && html`<${Tested} report=${tested} />`}</div>
    ${error !== undefined && html`<${ProblemNote} error=${error} />`}
    ${isRotating && html`<${Rotate} path=${path} onClose=${() => setRotating(false)} />`}`;
}

/** @param {{ report: any }} props */
function Tested({ report }) {
  return html`<p class=${report.delivered ? '' : 'bad'}>
      ${report.delivered ? 'The test was delivered' : 'The test was not delivered'}: ${attemptWords(report)}
      ${report.message && html`<span class="soft"> ${report.message}</span>`}
    </p>
    ${report.excerpt && html`<pre class="webhooks-excerpt" tabindex="0">${report.excerpt}</pre>`}`;
}

/** @param {{ path: string, onClose: () => void }} props */
function Rotate({ path, onClose }) {
  const [overlap, setOverlap] = useState('24h');
  const [secret, setSecret] = useState('');
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const rotate = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      const made = await ask(`${path}/rotate-secret`, { method: 'POST', body: { overlap } });
      setSecret(made.secret);
    } catch (thrown) {
      setError(thrown);
    }
  };
  return html`<${Dialog} title="Rotate the secret" onClose=${onClose}>
    ${
      secret !== ''
        ? html`<${Secret} secret=${secret} onClose=${onClose} />`
        : html`<form novalidate onSubmit=${rotate}>
            <p>Deliveries are signed with a new secret, and for a while with the one before too.</p>
            <div class="field">
              <label
                >For how long
                <input
                  value=${overlap}
                  spellcheck=${false}
                  onInput=${(/** @type {any} */ event) => setOverlap(event.currentTarget.value)}
              /></label>
            </div>
            ${error !== undefined && html`<${ProblemNote} error=${error} />`}
            <div class="dialog-end">
              <button type="button" onClick=${onClose}>Close</button>
              <button type="submit" class="primary">Rotate</button>
            </div>
          </form>`
    }
  <//>`;
}
