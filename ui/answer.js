import { ask, isRefusal } from './api.js';
import { useEffect, useState } from './html.js';

/**
 * What the service answers to a GET. With `everyMs` it is asked again and again while the tab is in sight.
 *
 * @param {string | undefined} path undefined asks nothing
 * @param {number} [everyMs]
 * @returns {{ value: any, error: unknown, again: () => void }} `value`: the last that came; `error`: why the last request brought none
 */
export function useAnswer(path, everyMs) {
  const [{ of, value, error }, setState] = useState(
    /** @type {{ of?: string, value?: any, error?: unknown }} */ ({}),
  );
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (path === undefined) return undefined;
    const leaving = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let asking = false;
    const once = async () => {
      clearTimeout(timer);
      if (asking || leaving.signal.aborted) return;
      asking = true;
      let goesOn = true;
      try {
        const answer = await ask(path, { signal: leaving.signal });
        setState({ of: path, value: answer });
      } catch (failure) {
        goesOn = !isRefusal(failure);
        if (!leaving.signal.aborted) setState((last) => ({ ...last, error: failure }));
      }
      asking = false;
      if (goesOn && everyMs !== undefined && !document.hidden) timer = setTimeout(once, everyMs);
    };
    const seen = () => {
      if (!document.hidden) void once();
    };
    if (everyMs !== undefined) document.addEventListener('visibilitychange', seen);
    void once();
    return () => {
      leaving.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [path, everyMs, round]);
  return { value: of === path ? value : undefined, error, again: () => setRound(round + 1) };
}
