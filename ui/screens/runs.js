import { urlOf } from '../address.js';
import { useAnswer } from '../answer.js';
import { duration, time } from '../format.js';
import { html, useRef, useState } from '../html.js';
import { ProblemNote } from '../parts/problem.js';
import { Status } from '../parts/status.js';
import { VirtualList } from '../parts/virtual-list.js';
import { goTo, linkTo } from '../router.js';
import { FilterBar } from '../runs/filter-bar.js';
import { filtersOf } from '../runs/filters.js';
import { useRuns } from '../runs/use-runs.js';
import { StartRun } from '../start/start-run.js';
import { useMedia } from '../use-media.js';

/** @typedef {import('../runs/run-rows.js').Row} Row */

const COLUMNS = [
  { title: 'Status', class: 'runs-status' },
  { title: 'Task', class: 'runs-task' },
  { title: 'Won by', class: 'runs-winner' },
  { title: 'Reply', class: 'runs-reply number' },
  { title: 'In the background', class: 'runs-rest' },
  { title: 'Created', class: 'runs-created' },
];

/** @type {any[]} */
const NONE = [];

/** @param {{ query: URLSearchParams }} props */
export function RunsScreen({ query }) {
  const filters = filtersOf(query);
  const isNarrow = useMedia('(max-width: 860px)');
  const [isPaused, setPaused] = useState(false);
  const isBelow = useRef(false);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  // Without them the filter is a text less, and the form says what is wrong.
  const { value } = useAnswer('/tasks');
  /** @type {any[]} */
  const tasks = value?.tasks ?? NONE;
  const runs = useRuns(filters, () => isPaused || isBelow.current || isRow(document.activeElement));
  const startAt = query.get('start');
  const start = (/** @type {string | undefined} */ name) => {
    const changed = new URLSearchParams(filters);
    if (name !== undefined) changed.set('start', name);
    goTo(['runs'], changed, { replaces: true });
  };
  const showFresh = () => {
    runs.show();
    list.current?.querySelector('.list-box')?.scrollTo({ top: 0 });
  };

  return html`
    <div class="runs-head">
      <h1>Runs</h1>
      <span class="run-connection soft" role="status"
        >${runs.connection === 'waiting' ? 'reconnecting…' : ''}</span
      >
      <div class="runs-actions">
        <button type="button" aria-pressed=${isPaused} onClick=${() => setPaused(!isPaused)}>
          ${isPaused ? 'Go on' : 'Pause'}
        </button>
        <button
          type="button"
          class="primary"
          onClick=${() => start(filters.get('task') ?? tasks[0]?.name ?? '')}
        >
          Start a run
        </button>
      </div>
    </div>
    <${FilterBar} filters=${filters} tasks=${tasks.map(({ name }) => name)} />
    ${runs.error !== undefined && html`<${ProblemNote} error=${runs.error} onRetry=${runs.again} />`}
    <div class="runs-list" ref=${list}>
      ${
        runs.isLoaded &&
        runs.rows.length === 0 &&
        !runs.hasMore &&
        html`<${Empty} isFiltered=${filters.size > 0} task=${tasks[0]?.name} />`
      }
      ${
        runs.fresh > 0 &&
        html`<button type="button" class="runs-fresh" onClick=${showFresh}>
          ${runs.fresh.toLocaleString()} new ${runs.fresh === 1 ? 'run' : 'runs'}
        </button>`
      }
      <${VirtualList}
        class="runs-table"
        label="Runs"
        columns=${COLUMNS}
        items=${runs.rows}
        rowHeight=${isNarrow ? 58 : 38}
        total=${runs.hasMore ? -1 : runs.rows.length}
        keyOf=${(/** @type {Row} */ { id }) => id}
        cells=${cellsOf}
        onOpen=${(/** @type {Row} */ { id }) => goTo(['runs', id])}
        onNearEnd=${runs.more}
        onTop=${(/** @type {boolean} */ isAtTop) => (isBelow.current = !isAtTop)}
      />
    </div>
    ${startAt !== null && html`<${StartRun} tasks=${tasks} task=${startAt} onTask=${start} onClose=${() => start(undefined)} />`}
  `;
}

/** Whether the keys are in the list. @param {Element | null} target */
function isRow(target) {
  return target instanceof HTMLElement && target.role === 'row';
}

/** @param {Row} run */
function cellsOf({ id, status, task, answeredBy, replyMs, repliedAt, unfinished = [], labels, createdAt }) {
  const answered = [answeredBy ?? []].flat().join(', ');
  const isError = repliedAt && !answered;
  return [
    html`<${Status} of=${status} />`,
    html`<a href=${linkTo(['runs', id])} tabindex="-1">${task}</a>${Object.entries(labels ?? {}).map(
        ([name, value]) => html` <span class="chip">${name}:${value}</span>`,
      )}`,
    isError ? html`<span class="soft">an error</span>` : answered || html`<span class="soft">–</span>`,
    duration(replyMs),
    unfinished.length > 0 &&
      html`<span class="runs-dots" aria-hidden="true">${'●'.repeat(Math.min(unfinished.length, 6))}</span>
        ${unfinished.join(', ')}`,
    html`<span class="soft">${time(createdAt)}</span>`,
  ];
}

/** @param {{ isFiltered: boolean, task: string | undefined }} props */
function Empty({ isFiltered, task = 'demo' }) {
  if (isFiltered)
    return html`<p class="runs-empty">
      No run fits these filters. <a href=${linkTo(['runs'])}>See all runs</a>
    </p>`;
  return html`<div class="runs-empty">
    <p>No run yet. <a href=${linkTo(['runs'], { start: task })}>Start one here</a>, or from a terminal:</p>
    <pre tabindex="0">curl -X POST ${urlOf(`/tasks/${encodeURIComponent(task)}/runs`).href}</pre>
  </div>`;
}
