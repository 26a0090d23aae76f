import { fits } from './filters.js';

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */
/**
 * A run in the list, as `GET /runs` shows it.
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {string} task
 * @property {string} status
 * @property {string} createdAt
 * @property {string | string[] | null} [answeredBy]
 * @property {number | null} [replyMs]
 * @property {string | null} [repliedAt]
 * @property {string[]} [unfinished]
 * @property {Record<string, string>} [labels]
 * @property {string | null} [requestId] where events told of the run
 * @property {string | null} [traceId] the same
 */

/** What the list hears of. */
export const TYPES = [
  ...['run.started', 'run.replied', 'run.finished', 'run.reopened'],
  ...['sub-task.retrying', 'sub-task.succeeded', 'sub-task.failed', 'sub-task.cancelled', 'sub-task.skipped'],
];

/** The list has no more rows: the oldest go. */
export const MOST = 20_000;

/** The rows of a list of runs, the newest first: pages of the API, and what events have told since. */
export class RunRows {
  /** @type {Row[]} those that are shown */
  rows = [];
  /** @type {Row[]} those that came since, the newest last */
  waiting = [];
  /** @type {Map<string, Row>} */
  #known = new Map();

  /** @param {URLSearchParams} filters */
  constructor(filters) {
    this.filters = filters;
  }

  /** Takes in a page of runs that are older than all that are there. @param {Row[]} page */
  addOlder(page) {
    const more = page.filter(({ id }) => !this.#known.has(id));
    for (const row of more) this.#known.set(row.id, row);
    this.rows = [...this.rows, ...more].slice(0, MOST);
  }

  /** Takes in the newest page again, as after a gap in the events. @param {Row[]} page */
  refresh(page) {
    for (const row of page.toReversed()) {
      const known = this.#known.get(row.id);
      if (known) Object.assign(known, row);
      else this.#add({ ...row });
    }
  }

  /** @param {RunEvent} event @returns {boolean} whether it is about a run that the list doesn't know */
  hear(event) {
    if (event.type === 'run.started') {
      if (!this.#known.has(event.runId)) this.#add(begun(event));
      return false;
    }
    const row = this.#known.get(event.runId);
    if (!row) return event.type.startsWith('run.');
    change(row, event);
    return false;
  }

  /** @param {Row} row */
  #add(row) {
    this.#known.set(row.id, row);
    this.waiting.push(row);
    if (this.waiting.length <= MOST) return;
    for (const { id } of this.waiting.splice(0, MOST / 2)) this.#known.delete(id);
  }

  /** How many runs that fit came and aren't shown yet. */
  get fresh() {
    return this.waiting.filter((row) => fits(row, this.filters)).length;
  }

  /** Shows what came, and shows no more what no longer fits. */
  show() {
    const fresh = this.waiting.toReversed();
    this.waiting = [];
    const all = [...fresh, ...this.rows];
    for (const { id } of all.slice(MOST)) this.#known.delete(id);
    this.rows = all.slice(0, MOST);
  }

  /** The rows that fit the filters. */
  get fitting() {
    return this.rows.filter((row) => fits(row, this.filters));
  }
}

/** @param {RunEvent & { type: 'run.started' }} event @returns {Row} */
function begun({ runId, task, time, labels, data }) {
  return {
    ...{ id: runId, task, status: 'running', createdAt: time, answeredBy: null, replyMs: null },
    unfinished: [...data.subTasks],
    ...(labels && { labels: /** @type {Record<string, string>} */ (labels) }),
    requestId: data.requestId ?? null,
    traceId: data.traceparent?.split('-')[1] ?? null,
  };
}

/** @param {Row} row @param {RunEvent} event */
function change(row, event) {
  switch (event.type) {
    case 'run.replied':
      row.replyMs = Date.parse(event.time) - Date.parse(row.createdAt);
      row.repliedAt = event.time;
      row.answeredBy =
        'answeredBy' in event.data.reply
          ? /** @type {string | string[]} */ (event.data.reply.answeredBy)
          : null;
      row.unfinished = [...event.data.background];
      return;
    case 'run.finished':
      row.status = event.data.status;
      row.unfinished = [];
      return;
    case 'run.reopened':
      row.status = 'running';
      return;
    case 'sub-task.retrying':
      // One that had failed goes on again.
      row.unfinished = [...new Set([...(row.unfinished ?? []), event.subTask])];
      return;
    default:
      if ('subTask' in event) row.unfinished = row.unfinished?.filter((name) => name !== event.subTask);
  }
}
