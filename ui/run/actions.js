import { ask } from '../api.js';
import { html, useState } from '../html.js';
import { CopyButton } from '../parts/copy-button.js';
import { Dialog } from '../parts/dialog.js';
import { ProblemNote } from '../parts/problem.js';
import { curlOf } from './curl.js';
import { isOver } from './race.js';

/** @typedef {import('./race.js').Race} Race */

/** What can be done with a run. @param {{ id: string, race: Race, isSetAside: boolean, onDone: () => void }} props */
export function RunActions({ id, race, isSetAside, onDone }) {
  const [dialog, setDialog] = useState(/** @type {'cancel' | 'curl' | undefined} */ (undefined));
  const close = () => setDialog(undefined);
  return html`<div class="run-actions">
    <button type="button" onClick=${() => setDialog('curl')}>Copy as curl</button>
    ${isSetAside && html`<${Command} path=${`/runs/${id}/resume`} name="Resume" onDone=${onDone} />`}
    ${!isOver(race) && html`<button type="button" onClick=${() => setDialog('cancel')}>Cancel the run</button>`}
    ${dialog === 'curl' && html`<${Curl} race=${race} onClose=${close} />`}
    ${dialog === 'cancel' && html`<${Cancel} id=${id} race=${race} onClose=${close} />`}
  </div>`;
}

/**
 * A button that asks the service to do something, and says so where it is refused.
 *
 * @param {{ path: string, name: string, headers?: () => Record<string, string>, onDone: (run: any) => void, class?: string }} props
 */
export function Command({ path, name, headers, onDone, class: look }) {
  const [isAsking, setAsking] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const send = async () => {
    setAsking(true);
    setError(undefined);
    try {
      onDone(await ask(path, { method: 'POST', ...(headers && { headers: headers() }) }));
    } catch (thrown) {
      setError(thrown);
    }
    setAsking(false);
  };
  return html`<button type="button" class=${look} disabled=${isAsking} onClick=${send}>${name}</button>
    ${error !== undefined && html`<${ProblemNote} error=${error} />`}`;
}

/** @param {{ id: string, race: Race, onClose: () => void }} props */
function Cancel({ id, race, onClose }) {
  const [isOnRecord, setOnRecord] = useState(false);
  const unfinished = race.lanes.filter(({ status }) => /^(pending|running|retrying)$/.test(status));
  // Another node may execute the run: what is asked for is then on record, and done as soon as that one can.
  const done = (/** @type {any} */ run) => (run.status === 'running' ? setOnRecord(true) : onClose());
  return html`<${Dialog} title="Cancel this run?" onClose=${onClose}>
    ${
      isOnRecord
        ? html`<p role="status">
              It is on record. The node that executes the run cancels it as soon as it can.
            </p>
            <div class="dialog-end"><button type="button" onClick=${onClose}>Close</button></div>`
        : html`<p>
              ${unfinished.map(({ name }) => name).join(', ')} will be cut off. This can’t be undone.
              ${race.reply ? ' The reply stays as it is.' : ' Its caller gets an error.'}
            </p>
            <div class="dialog-end">
              <button type="button" onClick=${onClose}>Keep it running</button>
              <${Command} class="danger" path=${`/runs/${id}/cancel`} name="Cancel the run" onDone=${done} />
            </div>`
    }
  <//>`;
}

/** @param {{ race: Race, onClose: () => void }} props */
function Curl({ race, onClose }) {
  const command = curlOf(race);
  return html`<${Dialog} title="Start the same run by curl" onClose=${onClose}>
    <pre class="to-copy" tabindex="0">${command}</pre>
    ${race.begun.inputKept === false && html`<p>The task keeps a part of the input out of the record: add it.</p>`}
    ${race.client !== undefined && html`<p>Put your API key into <code>FRONTRUNNER_KEY</code>.</p>`}
    <div class="dialog-end"><${CopyButton} text=${command} /></div>
  <//>`;
}
