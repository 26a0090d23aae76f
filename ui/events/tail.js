import { ask, isRefusal } from '../api.js';
import { useEffect, useRef, useState } from '../html.js';
import { follow } from '../live.js';
import { EVENT_TYPES } from '../event-types.js';

/** @typedef {import('../../src/core/events.ts').RunEvent} RunEvent */

/** So many events are kept, the newest. */
export const MOST_EVENTS = 2_000;
/** So many ids before the stream are looked at first; with filters more, as few of them fit. */
const PAST = 200;
const PAST_WITH_FILTERS = 1_000;
/** Events are shown so often at most, however many come. */
const SHOW_EVERY_MS = 100;

/**
 * The newest events first, those of the past page and those that come.
 *
 * @param {URLSearchParams} filters as `GET /events` takes them
 * @param {boolean} paused keeps what is shown as it is
 */
export function useTail(filters, paused) {
  const query = filters.toString();
  const [events, setEvents] = useState(/** @type {readonly RunEvent[]} */ ([]));
  const [waiting, setWaiting] = useState(0);
  const [state, setState] = useState(
    /** @type {'connecting' | 'live' | 'waiting' | 'refused'} */ ('connecting'),
  );
  const [problem, setProblem] = useState(/** @type {unknown} */ (undefined));
  const pausedNow = useRef(paused);
  const show = useRef(() => undefined);

  useEffect(() => {
    /** @type {RunEvent[]} Not shown yet, the oldest first. */
    let incoming = [];
    let came = 0;
    let gone = false;
    let wasLive = false;
    let begun = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    setEvents([]);
    setWaiting(0);
    setProblem(undefined);
    setState('connecting');

    show.current = () => {
      timer = undefined;
      if (pausedNow.current) {
        setWaiting(came);
        return;
      }
      const fresh = incoming.reverse();
      incoming = [];
      came = 0;
      setWaiting(0);
      if (fresh.length > 0) setEvents((shown) => [...fresh, ...shown].slice(0, MOST_EVENTS));
    };
    const past = async (/** @type {number} */ cursor) => {
      const most = query === '' ? PAST : PAST_WITH_FILTERS;
      const page = new URLSearchParams(query);
      page.set('after', String(Math.max(0, cursor - most)));
      page.set('limit', String(most));
      const { events: found } = await ask(`/events?${page}`).catch(() => ({ events: [] }));
      const before = found.filter((/** @type {RunEvent} */ { id }) => id <= cursor).reverse();
      if (!gone) setEvents((shown) => [...shown, ...before].slice(0, MOST_EVENTS));
    };
    const stop = follow(`/events?${query}`, {
      types: EVENT_TYPES,
      onEvent: (event) => {
        incoming.push(event);
        came += 1;
        if (incoming.length > 2 * MOST_EVENTS) incoming = incoming.slice(-MOST_EVENTS);
        timer ??= setTimeout(show.current, SHOW_EVERY_MS);
      },
      onCursor: (id) => {
        if (begun) return;
        begun = true;
        void past(id);
      },
      onState: (now) => {
        wasLive ||= now === 'live';
        setState(now === 'live' ? 'live' : 'waiting');
        if (now === 'live') setProblem(undefined);
        // A stream doesn't say why it was refused.
        if (!wasLive)
          ask(`/events?${query}&limit=1`).catch((error) => {
            if (gone) return;
            setProblem(error);
            if (!isRefusal(error)) return;
            stop();
            setState('refused');
          });
      },
    });
    return () => {
      gone = true;
      clearTimeout(timer);
      stop();
    };
  }, [query]);
  useEffect(() => {
    pausedNow.current = paused;
    if (!paused) show.current();
  }, [paused]);
  return { events, waiting, state, problem };
}
