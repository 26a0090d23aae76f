import { useAnswer } from '../answer.js';
import { Problem } from '../api.js';
import { time } from '../format.js';
import { html } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { linkTo } from '../router.js';
import { attemptWords } from '../webhooks/words.js';

/** How often deliveries are asked for while the tab is in sight, in milliseconds. */
const EVERY_MS = 5_000;

/** What came of the webhooks that a run has of its own. @param {{ id: string, webhooks: { url: string, events: string[] }[] }} props */
export function RunWebhooks({ id, webhooks }) {
  const { value, error } = useAnswer(`/webhooks/runs/deliveries?runId=${encodeURIComponent(id)}`, EVERY_MS);
  /** @type {any[]} */
  const deliveries = value?.deliveries.toReversed() ?? [];
  const mayNotAsk = error instanceof Problem && error.status === 403;
  return html`<ul class="run-webhooks">
      ${webhooks.map(
        ({ url, events }, target) =>
          html`<li key=${target}>
            <code>${url}</code> <span class="soft">${events.join(', ')}</span>
            <ul>
              ${deliveries
                .filter((delivery) => delivery.target === target)
                .map((delivery) => html`<${Delivery} key=${delivery.event} ...${delivery} />`)}
            </ul>
          </li>`,
      )}
    </ul>
    ${mayNotAsk && html`<p class="soft">What came of them is shown with the scope webhooks:write.</p>`}
    ${error !== undefined && !mayNotAsk && html`<${ProblemNote} error=${error} />`}
    ${value && html`<p><a href=${linkTo(['webhooks', 'runs'], { runId: id })}>All about these deliveries</a></p>`}`;
}

/** @param {{ type: string, status: string, attempts: number, report: any, dueAt: string | null }} props */
function Delivery({ type, status, attempts, report, dueAt }) {
  return html`<li>
    ${type} <${Status} of=${status} />
    ${
      status !== 'delivered' &&
      html`<div class="soft">
        ${report ? `${attempts === 1 ? '1 attempt' : `${attempts} attempts`}; it ${attemptWords(report)}` : 'no attempt yet'}
        ${dueAt !== null && `; the next one at ${time(dueAt)}`}
      </div>`
    }
  </li>`;
}
