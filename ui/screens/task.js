import { useAnswer } from '../answer.js';
import { duration } from '../format.js';
import { html } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { linkTo } from '../router.js';
import { Declaration } from '../tasks/declaration.js';
import { Hedging } from '../tasks/hedging.js';
import { DurationStrips, durationRows, WinBars } from '../tasks/pictures.js';
import { RaceTable } from '../tasks/race-table.js';
import { ReplyTimes } from '../tasks/reply-times.js';
import { Shadows } from '../tasks/shadows.js';
import { Streams } from '../tasks/streams.js';
import { WhatIf } from '../tasks/what-if.js';

/** How often the race table is asked for, in milliseconds. */
const EVERY_MS = 5_000;

/** @param {{ name: string }} props */
export function TaskScreen({ name }) {
  const path = `/tasks/${encodeURIComponent(name)}`;
  const task = useAnswer(path);
  const stats = useAnswer(`${path}/stats?step=1m`, EVERY_MS);
  return html`<div class="screen-head">
      <h1>${name}</h1>
      <nav aria-label="Of this task" class="task-links">
        <a class="button" href=${linkTo(['runs'], { start: name })}>Start a run</a>
        <a href=${linkTo(['runs'], { task: name })}>Runs</a>
        <a href=${linkTo(['events'], { task: name })}>Events</a>
      </nav>
    </div>
    ${task.error && html`<${ProblemNote} error=${task.error} onRetry=${task.again} />`}
    ${stats.error && !task.error && html`<${ProblemNote} error=${stats.error} />`}
    ${stats.value && task.value && html`<${Race} name=${name} task=${task.value} stats=${stats.value} />`}
    ${task.value && html`<${Declaration} task=${task.value} />`}`;
}

/** @param {{ name: string, task: any, stats: any }} props */
function Race({ name, task, stats }) {
  const { runs, replies, errors, replyMs } = stats;
  if (runs === 0)
    return html`<p class="card task-none">
      No run of the last hour has finished yet.${' '}
      <a href=${linkTo(['runs'], { start: name })}>Start one</a>, and its race is drawn here.
    </p>`;
  return html`<dl class="figures" aria-label="The last hour">
      <${Figure} name="runs" value=${runs.toLocaleString()} />
      <${Figure} name="replies" value=${replies.toLocaleString()} />
      <${Figure} name="errors" value=${errors.toLocaleString()} bad=${errors > 0} />
      ${['p50', 'p90', 'p99'].map(
        (quantile) => html`<${Figure} name=${`reply ${quantile}`} value=${duration(replyMs[quantile])} />`,
      )}
    </dl>
    <div class="task-pictures">
      <section class="card" aria-labelledby="task-wins">
        <h2 id="task-wins">Who wins</h2>
        <${WinBars} stats=${stats} />
      </section>
      <section class="card" aria-labelledby="task-durations">
        <h2 id="task-durations">How long each takes</h2>
        <${DurationStrips} rows=${durationRows(stats)} />
      </section>
    </div>
    ${stats.series && html`<${ReplyTimes} series=${stats.series} />`}
    <${Streams} stats=${stats} />
    <${Shadows} stats=${stats} />
    <${Hedging} task=${task} stats=${stats} />
    <${WhatIf} name=${name} task=${task} />
    <${RaceTable} stats=${stats} />`;
}

/** @param {{ name: string, value: string, bad?: boolean }} props */
function Figure({ name, value, bad = false }) {
  return html`<div class=${bad ? 'figure bad' : 'figure'}>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
