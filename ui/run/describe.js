import { bytes, duration } from '../format.js';

/** @typedef {import('./race.js').Attempt} Attempt */
/** @typedef {import('./race.js').Lane} Lane */

const SHADOW = 'a shadow: its result is in no reply';

/** A point of time of the run. @param {number} ms */
export function moment(ms) {
  return `+${ms < 0.005 ? '0 ms' : duration(ms)}`;
}

/** How an attempt went, a fact a line. @param {Lane} lane @param {Attempt} attempt @param {number} now */
export function attemptLines(lane, attempt, now) {
  const length = duration((attempt.to ?? now) - attempt.from);
  const isLast = attempt === lane.attempts.at(-1);
  const what = attempt.end === 'running' ? `running for ${length}` : `${attempt.end} after ${length}`;
  return [
    `${lane.name}, attempt ${attempt.number}: ${what}`,
    `began at ${moment(attempt.from)}${attempt.why ? `: ${attempt.why}` : ''}`,
    attempt.stream && streamText(attempt),
    attempt.error && `${attempt.error.code}: ${attempt.error.message}`,
    attempt.dueAt !== undefined && `next attempt due at ${moment(attempt.dueAt)}`,
    isLast && attempt.end === 'cancelled' && lane.reason,
    isLast &&
      attempt.end === 'running' &&
      lane.progress !== undefined &&
      `says ${progressText(lane.progress)}`,
    isLast && lane.answered && 'its result is in the reply',
    isLast && lane.isShadow && SHADOW,
  ].filter((line) => typeof line === 'string');
}

/** What the stream of an attempt has brought. @param {Attempt} attempt */
export function streamText({ firstChunkAt, stream }) {
  const { chunks = 0, bytes: size, tokens } = stream ?? {};
  return [
    counted(chunks, 'chunk'),
    size !== undefined && bytes(size),
    tokens !== undefined && counted(tokens, 'token'),
    firstChunkAt !== undefined && `the first at ${moment(firstChunkAt)}`,
  ]
    .filter((part) => part !== false)
    .join(', ');
}

/** @param {number} count @param {string} what */
export function counted(count, what) {
  return `${count.toLocaleString()} ${what}${count === 1 ? '' : 's'}`;
}

/** How things stand with a sub-task that never began. @param {Lane} lane */
export function laneLines(lane) {
  const lines = [`${lane.name}: ${lane.status === 'pending' ? 'not started yet' : lane.status}`];
  if (lane.heldBackAt !== undefined) lines.push(heldBackText(lane));
  if (lane.reason) lines.push(lane.reason);
  if (lane.isShadow) lines.push(SHADOW);
  return lines;
}

/** @param {Lane} lane */
export function heldBackText({ heldBackAt = 0 }) {
  return `held back at ${moment(heldBackAt)}: the hedge budget was spent`;
}

/** What an attempt has said of its progress, briefly. @param {any} value */
export function progressText(value) {
  if (typeof value === 'number')
    return value > 0 && value <= 1 ? `${Math.round(value * 100)} %` : String(value);
  if (typeof value === 'string') return cut(value);
  if (typeof value?.percent === 'number') return `${value.percent} %`;
  return cut(JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part)));
}

/** @param {string} text */
function cut(text) {
  return text.length > 32 ? `${text.slice(0, 31)}…` : text;
}
