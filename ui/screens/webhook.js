import { useAnswer } from '../answer.js';
import { time } from '../format.js';
import { html } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { linkTo } from '../router.js';
import { WebhookActions } from '../webhooks/actions.js';
import { Deliveries } from '../webhooks/deliveries.js';
import { behindWords, pauseWords } from '../webhooks/words.js';

/** What stands for all webhooks that runs have of their own. */
const OF_RUNS = 'runs';
/** How often they are asked for while the tab is in sight, in milliseconds. */
const EVERY_MS = 5_000;

/** @param {{ id: string, query: URLSearchParams }} props */
export function WebhookScreen({ id, query }) {
  const path = encodeURIComponent(id);
  const {
    value: webhook,
    error,
    again,
  } = useAnswer(id === OF_RUNS ? undefined : `/webhooks/${path}`, EVERY_MS);
  if (id !== OF_RUNS && !webhook)
    return html`<h1>Webhook</h1>
      ${error !== undefined ? html`<${ProblemNote} error=${error} onRetry=${again} />` : html`<p class="soft">Loading…</p>`}`;
  return html`<p class="webhooks-back"><a href=${linkTo(['webhooks'])}>All webhooks</a></p>
    <div class="screen-head">
      <h1 class="webhooks-url">${webhook ? webhook.url : 'Webhooks of runs'}</h1>
      ${webhook && html`<${Status} of=${webhook.state} />`}
    </div>
    ${webhook?.description && html`<p class="soft">${webhook.description}</p>`}
    ${error !== undefined && html`<${ProblemNote} error=${error} onRetry=${again} />`}
    ${webhook ? html`<${Terms} webhook=${webhook} onChange=${again} />` : html`<p class="soft">Those that requests of runs and declarations of tasks name.</p>`}
    <${Deliveries} id=${path} query=${query} everyMs=${EVERY_MS} onChange=${again} />`;
}

/** @param {{ webhook: any, onChange: () => void }} props */
function Terms({ webhook, onChange }) {
  const { id, events, tasks, labels, format, retry, timeout, client, createdAt } = webhook;
  const facts = Object.entries({
    paused: webhook.state === 'paused' && pauseWords(webhook),
    behind: behindWords(webhook.behind),
    waiting: webhook.waiting.toLocaleString(),
    'dead letters': webhook.dead.toLocaleString(),
    events: events.join(', '),
    tasks: tasks?.join(', ') ?? 'all',
    labels:
      labels &&
      Object.entries(labels).map(([name, value]) => html`<code class="chip">${name}:${value}</code> `),
    runs: webhook.ownRuns && `those of ${client ?? 'its maker'} alone`,
    body: format === 'event' ? 'the event' : format,
    retries: `${retry.attempts} attempts, from ${retry.delay} to ${retry.maxDelay} apart`,
    timeout,
    id: html`<code>${id}</code>`,
    made: `${time(createdAt)}${client ? ` by ${client}` : ''}`,
  }).filter(([, value]) => value);
  return html`<section class="card" aria-label="The webhook">
    <dl class="terms">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    <${WebhookActions} webhook=${webhook} onDone=${onChange} />
  </section>`;
}
