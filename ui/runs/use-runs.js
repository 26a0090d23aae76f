import { ask, isRefusal } from '../api.js';
import { useEffect, useRef, useState } from '../html.js';
import { follow } from '../live.js';
import { statusesOf, streamOf } from './filters.js';
import { MOST, RunRows, TYPES } from './run-rows.js';

const PAGE = 200;
/** The list is drawn no more often, however many events come. */
const DRAW_MS = 120;
/** A page is looked at again no more often. */
const REFRESH_MS = 1_000;

/**
 * The runs that fit some filters: older ones as the reader comes to them, newer ones as they start.
 *
 * @param {URLSearchParams} filters
 * @param {() => boolean} isHeld whether new runs have to wait, as the reader looks at those that are there
 */
export function useRuns(filters, isHeld) {
  const list = useRef(new RunRows(filters));
  const next = useRef(/** @type {string | null | undefined} */ (undefined));
  const isLoading = useRef(false);
  const held = useRef(isHeld);
  held.current = isHeld;
  const [, setVersion] = useState(0);
  const [round, setRound] = useState(0);
  const [connection, setConnection] = useState('live');
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const redraw = () => setVersion((version) => version + 1);
  const pageOf = (/** @type {string | null | undefined} */ cursor) =>
    ask(
      `/runs?${new URLSearchParams([...filters, ['limit', String(PAGE)], ...(cursor ? [['cursor', cursor]] : [])])}`,
    );
  const key = String(filters);
  const again = () => setRound((count) => count + 1);

  useEffect(() => {
    const rows = new RunRows(filters);
    list.current = rows;
    next.current = undefined;
    let isOver = false;
    let hasFailed = false;
    let drawnAt = 0;
    let frame = 0;
    /** @type {any[] | undefined} events that came before the first page */
    let early = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let refresh;

    const draw = () => {
      frame ||= requestAnimationFrame(function late(time) {
        if (time - drawnAt < DRAW_MS) {
          frame = requestAnimationFrame(late);
          return;
        }
        frame = 0;
        drawnAt = time;
        if (!held.current()) rows.show();
        redraw();
      });
    };
    const lookAgain = () => {
      refresh = undefined;
      void pageOf(undefined).then(
        ({ runs }) => {
          if (isOver) return;
          rows.refresh(runs);
          draw();
        },
        // The next event asks again.
        () => undefined,
      );
    };
    const hear = (/** @type {any} */ event) => {
      const isUnknown = rows.hear(event);
      if (isUnknown && statusesOf(filters).length > 0) refresh ??= setTimeout(lookAgain, REFRESH_MS);
      draw();
    };
    const begin = async () => {
      hasFailed = false;
      try {
        const page = await pageOf(undefined);
        if (isOver) return;
        rows.addOlder(page.runs);
        next.current = page.next;
        setError(undefined);
        for (const event of early ?? []) hear(event);
        early = undefined;
        draw();
      } catch (thrown) {
        if (isOver) return;
        hasFailed = true;
        setError(thrown);
        if (!isRefusal(thrown)) return;
        stop();
        setConnection('ended');
      }
    };
    const stop = follow(streamOf(filters, TYPES), {
      types: TYPES,
      onEvent: (event) => (early ? early.push(event) : hear(event)),
      onState: (state) => {
        setConnection(state);
        if (state === 'live' && hasFailed) void begin();
      },
      onReset: again,
    });
    void begin();
    redraw();
    return () => {
      isOver = true;
      stop();
      clearTimeout(refresh);
      cancelAnimationFrame(frame);
    };
  }, [key, round]);

  const more = async () => {
    const rows = list.current;
    if (isLoading.current || !next.current || rows.rows.length >= MOST) return;
    isLoading.current = true;
    try {
      const page = await pageOf(next.current);
      if (rows === list.current) {
        rows.addOlder(page.runs);
        next.current = page.next;
        redraw();
      }
    } catch (thrown) {
      setError(thrown);
    }
    isLoading.current = false;
  };
  const show = () => {
    list.current.show();
    redraw();
  };
  return {
    rows: list.current.fitting,
    fresh: list.current.fresh,
    isLoaded: next.current !== undefined,
    hasMore: Boolean(next.current),
    ...{ connection, error, more, show, again },
  };
}
