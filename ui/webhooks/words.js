import { duration, time } from '../format.js';

/** Why a webhook is paused. */
const REASONS = /** @type {Record<string, string>} */ ({
  request: 'somebody asked for it',
  gone: 'it answered 410 Gone',
  failing: 'nothing could be delivered for too long',
});

/** @param {{ reason?: string, since?: string }} webhook */
export function pauseWords({ reason = '', since }) {
  return `${REASONS[reason] ?? reason}${since === undefined ? '' : `, since ${time(since)}`}`;
}

/** @param {{ events: number, seconds: number }} behind */
export function behindWords({ events, seconds }) {
  if (events === 0) return 'up to date';
  return `${events.toLocaleString()} ${events === 1 ? 'event' : 'events'}, ${duration(seconds * 1_000)}`;
}

/** What an attempt came to. @param {{ status?: number, error?: string, tookMs: number }} report */
export function attemptWords({ status, error, tookMs }) {
  const code = error === undefined || error === 'status' ? '' : error;
  const answer = status === undefined ? '' : `answered ${status}`;
  return `${[answer, code].filter(Boolean).join(', ') || 'no answer'} in ${duration(tookMs)}`;
}
