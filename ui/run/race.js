import { shownAfter } from './shown-stream.js';

/** What a run's events add up to, as its picture needs it. Times are milliseconds from the start of the run. */

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */
/**
 * @typedef {object} Attempt
 * @property {number} number
 * @property {number} from
 * @property {number} [to] not there while it goes on
 * @property {'running' | 'succeeded' | 'failed' | 'cancelled' | 'cut off'} end
 * @property {string} [why] why it started later than the run, in words
 * @property {any} [error]
 * @property {number} [dueAt] when the next one is due
 * @property {number} [firstChunkAt] when its stream had its first chunk that wins
 * @property {{ chunks: number, bytes?: number, tokens?: number }} [stream] what its stream has brought, as far as it is known
 */
/**
 * @typedef {object} Lane a sub-task
 * @property {string} name
 * @property {string} status
 * @property {Attempt[]} attempts
 * @property {boolean} answered
 * @property {boolean} isShadow its result is in no reply
 * @property {number} [heldBackAt]
 * @property {number} [skippedAt]
 * @property {string} [reason]
 * @property {any} [result]
 * @property {boolean} [hasResult]
 * @property {any} [error]
 * @property {any} [progress]
 * @property {number} [base] where `durationMs` of its events counts from
 */
/**
 * @typedef {object} Race
 * @property {number} start
 * @property {any} begun the data of `run.started`
 * @property {string} task
 * @property {any} [labels]
 * @property {string} [client]
 * @property {string} status
 * @property {Lane[]} lanes
 * @property {any} [reply]
 * @property {number} [repliedAt]
 * @property {number} [finishedAt]
 * @property {number} lastEventId
 * @property {number} last the time of the last event
 * @property {string} [lastFailed]
 * @property {import('./shown-stream.js').ShownStream} [shown]
 */

/** A measured end is at most so far from the time of its event, else the measure began elsewhere. */
const CLOSE_MS = 20;

/** @param {RunEvent} event @returns {Race} */
function openRace(event) {
  const data = /** @type {any} */ (event.data);
  return {
    start: Date.parse(event.time),
    begun: data,
    task: event.task,
    labels: event.labels,
    client: event.client,
    status: 'running',
    lanes: data.subTasks.map((/** @type {string} */ name) => ({
      ...{ name, status: 'pending', attempts: [], answered: false },
      isShadow: data.shadows?.includes(name) ?? false,
    })),
    lastEventId: event.id,
    last: 0,
  };
}

/**
 * The race with one more of its events; what it had is changed.
 *
 * @param {Race | undefined} race
 * @param {RunEvent} event
 * @returns {Race | undefined} undefined before its first event
 */
export function advance(race, event) {
  if (event.type === 'run.started') return openRace(event);
  if (!race || event.id <= race.lastEventId) return race;
  const at = Date.parse(event.time) - race.start;
  race.lastEventId = event.id;
  race.last = Math.max(race.last, at);
  if (event.type === 'run.replied') reply(race, event, at);
  else if (event.type === 'run.finished') {
    race.status = event.data.status;
    race.finishedAt = at;
  } else if (event.type === 'run.reopened') {
    race.status = 'running';
    delete race.finishedAt;
  } else if ('subTask' in event) {
    race.shown = shownAfter(race.shown, race.begun, event);
    const lane = race.lanes.find(({ name }) => name === event.subTask);
    if (lane) advanceLane(race, lane, event, at);
  }
  return race;
}

/** @param {Race} race @param {RunEvent & { type: 'run.replied' }} event @param {number} at */
function reply(race, { data }, at) {
  race.reply = data.reply;
  race.repliedAt = data.durationMs ?? at;
  const names = 'answeredBy' in data.reply ? [data.reply.answeredBy].flat() : [];
  for (const lane of race.lanes) lane.answered = names.includes(lane.name);
}

/** @param {Race} race @param {Lane} lane @param {any} event @param {number} at */
function advanceLane(race, lane, { type, attempt, data }, at) {
  const last = lane.attempts.at(-1);
  if (last && data.stream) streamEnded(last, data.stream);
  const wasOver = last !== undefined && last.end !== 'running' && lane.status !== 'retrying';
  switch (type) {
    case 'sub-task.held-back':
      lane.heldBackAt = at;
      return;
    case 'sub-task.started':
      if (last?.end === 'running') Object.assign(last, { end: 'cut off', to: at });
      lane.status = 'running';
      lane.base ??= at;
      lane.attempts.push({ number: attempt, from: at, end: 'running', why: whyLater(race, lane, data) });
      return;
    case 'sub-task.progressed':
      lane.progress = data.value;
      return;
    case 'sub-task.streamed':
      if (!last || last.number !== attempt) return;
      last.firstChunkAt ??= at;
      last.stream = { chunks: data.first + data.chunks.length };
      return;
    case 'sub-task.retrying':
      lane.error = data.error;
      lane.status = 'retrying';
      race.lastFailed = lane.name;
      if (wasOver) delete lane.base;
      if (last?.end === 'running') Object.assign(last, { end: 'failed', to: at, error: data.error });
      if (last) last.dueAt = Date.parse(data.dueAt) - race.start;
      return;
    case 'sub-task.skipped':
      Object.assign(lane, { status: 'skipped', reason: data.reason, skippedAt: at });
      return;
    case 'sub-task.succeeded':
      delete lane.error;
      lane.result = data.result;
      lane.hasResult = true;
      break;
    case 'sub-task.failed':
      lane.error = data.error;
      race.lastFailed = lane.name;
      break;
    case 'sub-task.cancelled':
      lane.reason = data.reason;
  }
  lane.status = type.slice('sub-task.'.length);
  if (last?.end !== 'running') return;
  const exact = (lane.base ?? at) + data.durationMs;
  last.to = Math.max(last.from, Math.abs(exact - at) <= CLOSE_MS ? exact : at);
  last.end = /** @type {Attempt['end']} */ (lane.status);
  last.error = data.error;
  race.last = Math.max(race.last, last.to);
}

/** @param {Attempt} attempt @param {{ chunks: number, bytes: number, firstChunkMs?: number, tokens?: number }} stream */
function streamEnded(attempt, stream) {
  attempt.stream = stream;
  if (stream.firstChunkMs !== undefined) attempt.firstChunkAt = attempt.from + stream.firstChunkMs;
}

/** @param {Race} race @param {Lane} lane @param {{ trigger?: string, delayMs?: number }} data */
function whyLater(race, lane, { trigger, delayMs }) {
  const failed = race.lastFailed !== undefined && race.lastFailed !== lane.name ? race.lastFailed : undefined;
  switch (trigger) {
    case 'delay':
      return `hedge after ${Math.round(delayMs ?? 0)} ms`;
    case 'failed-attempt':
      return `after ${failed ? `an attempt of ${failed}` : 'an attempt'} failed`;
    case 'failure':
      return `after ${failed ?? 'another'} failed`;
    case 'need':
      return 'needed for the reply';
    case 'exploration':
      return 'to learn how quick it is';
    default:
      return undefined;
  }
}

/** The end of what there is to show. @param {Race} race @param {number} now */
export function endOf(race, now) {
  let end = Math.max(race.last, race.repliedAt ?? 0);
  for (const lane of race.lanes) {
    if (lane.status === 'running' || lane.status === 'pending') end = Math.max(end, now);
    if (lane.status === 'retrying') end = Math.max(end, now, lane.attempts.at(-1)?.dueAt ?? 0);
  }
  return end;
}

/** @param {Race} race */
export function isOver(race) {
  return race.finishedAt !== undefined;
}
