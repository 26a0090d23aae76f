import { duration } from '../format.js';
import { chunksText } from '../run/shown-stream.js';

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */

/** What an event says, in a few words. @param {RunEvent} event @returns {string} */
export function gist(event) {
  switch (event.type) {
    case 'run.started':
      return `${event.data.subTasks.length} sub-tasks`;
    case 'sub-task.started':
      return event.data.trigger === undefined ? '' : TRIGGERS[event.data.trigger];
    case 'sub-task.progressed':
      return JSON.stringify(event.data.value, (_key, value) =>
        typeof value === 'bigint' ? String(value) : value,
      );
    case 'sub-task.streamed':
      return streamed(event.data);
    case 'sub-task.retrying':
      return `again in ${duration(event.data.delayMs)}: ${event.data.error.message}`;
    case 'sub-task.succeeded':
      return `in ${duration(event.data.durationMs)}`;
    case 'sub-task.failed':
      return `${event.data.error.message}, after ${duration(event.data.durationMs)}`;
    case 'sub-task.cancelled':
    case 'sub-task.skipped':
      return event.data.reason;
    case 'sub-task.held-back':
      return 'the hedge budget was spent';
    case 'run.replied':
      return `${answered(event.data.reply)}${event.data.durationMs === undefined ? '' : ` in ${duration(event.data.durationMs)}`}`;
    case 'run.finished':
      return event.data.status;
    case 'run.reopened':
      return 'a sub-task is tried again';
    case 'run.erased':
      return '';
  }
}

/** Longer texts of chunks are cut. */
const MOST_LETTERS = 80;

const TRIGGERS = {
  delay: 'its time had come',
  'failed-attempt': 'an attempt of one before it failed',
  failure: 'one before it failed',
  need: 'the reply needs it',
  exploration: 'little was known of it',
};

/** Which chunks, and how they begin. @param {{ first: number, chunks: readonly unknown[] }} data */
function streamed({ first, chunks }) {
  const text = chunksText(chunks.slice(0, MOST_LETTERS));
  const last = first + chunks.length - 1;
  const which = last > first ? `chunks ${first}–${last}` : `chunk ${first}`;
  return `${which}: ${text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text}`;
}

/** @param {any} reply */
function answered({ answeredBy, error }) {
  if (error) return error.message ?? 'an error';
  return [answeredBy].flat().join(', ');
}
