import { urlOf } from './address.js';
import { parseJson } from './json.js';
import { requireSession } from './session.js';

/** @typedef {import('../src/core/events.ts').RunEvent} RunEvent */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Follows an event stream of the service, and goes on behind the last event it had when the connection breaks.
 *
 * @param {string} path such as `/events?task=demo`
 * @param {{ onEvent: (event: RunEvent) => void, onState?: (state: 'live' | 'waiting') => void, after?: number, types: readonly string[], onCursor?: (id: number) => void, onReset?: () => void }} options
 *   `after`: the id behind which it begins; default: from now on, or for a run from its beginning;
 *   `onCursor`: the stream has told all events up to this id; `onReset`: the service has begun another log, as one in memory does at each start
 * @returns {() => void} stops following
 */
export function follow(path, { onEvent, onState = () => undefined, onCursor, onReset, after, types }) {
  let last = after;
  let waitMs = FIRST_WAIT_MS;
  let stopped = false;
  /** @type {EventSource | undefined} */
  let source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const open = () => {
    const url = urlOf(path);
    if (last !== undefined) url.searchParams.set('after', String(last));
    const opened = new EventSource(url);
    source = opened;
    opened.onopen = () => {
      waitMs = FIRST_WAIT_MS;
      onState('live');
    };
    opened.onerror = () => {
      if (stopped) return;
      // The browser connects again by itself, with Last-Event-ID, unless the service has refused, or said that all is told.
      onState('waiting');
      if (opened.readyState !== EventSource.CLOSED) return;
      void requireSession();
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    };
    opened.addEventListener('cursor', (message) => {
      const id = Number(message.lastEventId);
      const isReset = last !== undefined && id < last;
      last = id;
      if (isReset) onReset?.();
      onCursor?.(id);
    });
    for (const type of types)
      opened.addEventListener(type, (message) => {
        last = Number(message.lastEventId);
        onEvent(parseJson(message.data));
      });
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source?.close();
  };
}
