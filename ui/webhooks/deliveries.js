import { useAnswer } from '../answer.js';
import { ask } from '../api.js';
import { time } from '../format.js';
import { html, useState } from '../html.js';
import { ConfirmButton } from '../parts/confirm-button.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { goTo, linkTo } from '../router.js';
import { attemptWords } from './words.js';

const STATUSES = ['waiting', 'dead', 'delivered'];

/**
 * The deliveries of a webhook, or of those that runs have of their own.
 *
 * @param {{ id: string, query: URLSearchParams, everyMs: number, onChange?: () => void }} props
 */
export function Deliveries({ id, query, everyMs, onChange = () => undefined }) {
  const asked = new URLSearchParams(
    [...query].filter(([name, value]) => ['status', 'runId', 'cursor'].includes(name) && value !== ''),
  );
  const { value, error, again } = useAnswer(`/webhooks/${id}/deliveries?${asked}`, everyMs);
  const [told, setTold] = useState('');
  const [refusal, setRefusal] = useState(/** @type {unknown} */ (undefined));
  const runId = asked.get('runId') ?? undefined;
  const status = asked.get('status') ?? undefined;
  /** @type {any[]} */
  const rows = value?.deliveries ?? [];
  /** @param {string} path @param {object} [body] */
  const redrive = async (path, body) => {
    try {
      const { redriven } = await ask(`/webhooks/${id}/${path}`, { method: 'POST', ...(body && { body }) });
      setTold(`${redriven.toLocaleString()} sent on ${redriven === 1 ? 'its' : 'their'} way again`);
      setRefusal(undefined);
    } catch (failure) {
      setRefusal(failure);
    }
    again();
    onChange();
  };
  const hasDead = rows.some((row) => row.status === 'dead');
  return html`<section class="card" aria-labelledby="webhooks-deliveries">
    <div class="screen-head">
      <h2 id="webhooks-deliveries">Deliveries</h2>
      <${StatusFilter}
        chosen=${status}
        onChange=${(/** @type {string | undefined} */ one) => goTo(['webhooks', id], { status: one, runId })}
      />
      ${
        hasDead &&
        html`<${ConfirmButton}
          label="Redrive all dead"
          question=${`All dead letters${runId ? ' of this run' : ''} are tried again.`}
          onConfirm=${() => redrive('redrive', runId ? { runId } : {})}
        />`
      }
      <span class="soft" role="status">${told}</span>
    </div>
    ${runId && html`<p>Of the run <a href=${linkTo(['runs', runId])}>…${runId.slice(-6)}</a>. <a href=${linkTo(['webhooks', id], { status })}>Show all</a></p>`}
    ${error !== undefined && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${refusal !== undefined && html`<${ProblemNote} error=${refusal} />`}
    ${
      value && rows.length === 0
        ? html`<p class="soft">There are none${status === undefined ? ' yet' : ` that are ${status}`}.</p>`
        : html`<${DeliveryTable} rows=${rows} onRedrive=${redrive} />`
    }
    <p class="webhooks-pages">
      ${asked.has('cursor') && html`<a href=${linkTo(['webhooks', id], { status, runId })}>The newest</a>`}
      ${value?.next && html` <a href=${linkTo(['webhooks', id], { status, runId, cursor: value.next })}>Older ones</a>`}
    </p>
  </section>`;
}

/** @param {{ chosen: string | undefined, onChange: (status: string | undefined) => void }} props */
function StatusFilter({ chosen, onChange }) {
  return html`<div class="webhooks-statuses" role="group" aria-label="Status">
    ${STATUSES.map(
      (status) =>
        html`<button
          key=${status}
          type="button"
          aria-pressed=${status === chosen}
          onClick=${() => onChange(status === chosen ? undefined : status)}
        >
          ${status}
        </button>`,
    )}
  </div>`;
}

/** @param {{ rows: any[], onRedrive: (path: string) => Promise<void> }} props */
function DeliveryTable({ rows, onRedrive }) {
  const titles = ['event', 'run', 'status', 'attempts', 'last attempt', 'next attempt'];
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Deliveries, the newest event first">
    <table class="webhooks-table">
      <thead>
        <tr>
          ${titles.map((title) => html`<th scope="col" class=${title === 'attempts' ? 'number' : ''}>${title}</th>`)}
          <th scope="col"><span class="unseen">do</span></th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr key=${`${row.event} ${row.target}`}>
              <th scope="row">
                ${row.type} <span class="soft">${row.event}</span>
                ${row.url && html`<div class="soft webhooks-url">${row.url}</div>`}
              </th>
              <td>
                <a href=${linkTo(['runs', row.runId])} title=${row.runId}>…${row.runId.slice(-6)}</a
                >${` ${row.task}`}
              </td>
              <td><${Status} of=${row.status} /></td>
              <td class="number">${row.attempts.toLocaleString()}</td>
              <td class="webhooks-attempt"><${LastAttempt} report=${row.report} /></td>
              <td>${nextWords(row)}</td>
              <td>
                ${
                  row.status === 'dead' &&
                  html`<${ConfirmButton}
                    label="Redrive"
                    question="It is tried again."
                    onConfirm=${() => onRedrive(`deliveries/${row.event}/redrive?target=${row.target}`)}
                  />`
                }
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @param {{ status: string, dueAt: string | null }} row */
function nextWords({ status, dueAt }) {
  if (status !== 'waiting') return '–';
  return dueAt === null ? 'behind an earlier event of its run' : time(dueAt);
}

/** @param {{ report: any }} props */
function LastAttempt({ report }) {
  if (!report) return 'none yet';
  const { at, message, excerpt } = report;
  return html`${time(at)}: ${attemptWords(report)}
  ${
    (message || excerpt) &&
    html`<details>
      <summary>${message ?? 'The answer'}</summary>
      ${excerpt && html`<pre class="webhooks-excerpt" tabindex="0">${excerpt}</pre>`}
    </details>`
  }`;
}
