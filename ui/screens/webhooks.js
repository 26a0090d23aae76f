import { useAnswer } from '../answer.js';
import { html, useState } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { linkTo } from '../router.js';
import { CreateWebhook } from '../webhooks/create-webhook.js';
import { behindWords, pauseWords } from '../webhooks/words.js';

/** How often they are asked for while the tab is in sight, in milliseconds. */
const EVERY_MS = 5_000;

/** @param {{ query: URLSearchParams }} props */
export function WebhooksScreen({ query }) {
  const cursor = query.get('cursor') ?? '';
  const { value, error, again } = useAnswer(
    `/webhooks?${new URLSearchParams({ limit: '50', ...(cursor !== '' && { cursor }) })}`,
    EVERY_MS,
  );
  const [isCreating, setCreating] = useState(false);
  /** @type {any[]} */
  const webhooks = value?.webhooks ?? [];
  return html`<div class="screen-head">
      <h1>Webhooks</h1>
      <button type="button" class="primary" onClick=${() => setCreating(true)}>Create a webhook</button>
    </div>
    <p class="soft">
      Events of runs are sent to these URLs, signed. Runs may have webhooks of their own:${' '}<a
        href=${linkTo(['webhooks', 'runs'])}
        >their deliveries</a
      >.
    </p>
    ${error !== undefined && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${
      value && webhooks.length === 0
        ? html`<p class="card">There is none${cursor === '' ? ' yet' : ' that is older'}.</p>`
        : webhooks.length > 0 && html`<${WebhookTable} webhooks=${webhooks} />`
    }
    <p class="webhooks-pages">
      ${cursor !== '' && html`<a href=${linkTo(['webhooks'])}>The newest</a>`}
      ${value?.next && html` <a href=${linkTo(['webhooks'], { cursor: value.next })}>Older ones</a>`}
    </p>
    ${isCreating && html`<${CreateWebhook} onClose=${() => setCreating(false)} />`}`;
}

/** @param {{ webhooks: any[] }} props */
function WebhookTable({ webhooks }) {
  return html`<div class="card scroll" tabindex="0" role="group" aria-label="Webhooks, the newest first">
    <table class="webhooks-table">
      <thead>
        <tr>
          <th scope="col">receiver</th>
          <th scope="col">state</th>
          <th scope="col">behind</th>
          <th scope="col" class="number">waiting</th>
          <th scope="col" class="number">dead</th>
        </tr>
      </thead>
      <tbody>
        ${webhooks.map(
          (webhook) =>
            html`<tr key=${webhook.id}>
              <th scope="row" class="webhooks-url">
                <a href=${linkTo(['webhooks', webhook.id])}>${webhook.url}</a>
                ${webhook.description && html`<div class="soft">${webhook.description}</div>`}
              </th>
              <td class="webhooks-state">
                <${Status} of=${webhook.state} />
                ${webhook.state === 'paused' && html`<div class="soft">${pauseWords(webhook)}</div>`}
              </td>
              <td>${behindWords(webhook.behind)}</td>
              <td class="number">${webhook.waiting.toLocaleString()}</td>
              <td class=${webhook.dead > 0 ? 'number bad' : 'number'}>${webhook.dead.toLocaleString()}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
