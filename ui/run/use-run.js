import { ask, isRefusal } from '../api.js';
import { EVENT_TYPES } from '../event-types.js';
import { useEffect, useRef, useState } from '../html.js';
import { follow } from '../live.js';
import { advance, isOver } from './race.js';

/** @typedef {import('./race.js').Race} Race */

/**
 * A run as its events come.
 *
 * @param {string} id
 * @returns {{ race: Race | undefined, isSetAside: boolean, dead: string[], webhooks: { url: string, events: string[] }[], connection: 'live' | 'waiting' | 'ended', error: unknown, again: () => void }}
 *   `dead`: the sub-tasks that wait among the dead letters; `again`: what looks at it anew, as after a retry
 */
export function useRun(id) {
  const race = useRef(/** @type {Race | undefined} */ (undefined));
  const [, setVersion] = useState(0);
  const [round, setRound] = useState(0);
  const [connection, setConnection] = useState(/** @type {'live' | 'waiting' | 'ended'} */ ('live'));
  const [error, setError] = useState(/** @type {unknown} */ (undefined));
  const [isSetAside, setAside] = useState(false);
  const [dead, setDead] = useState(/** @type {string[]} */ ([]));
  const [webhooks, setWebhooks] = useState(/** @type {{ url: string, events: string[] }[]} */ ([]));
  const again = () => setRound((count) => count + 1);

  useEffect(() => {
    const leaving = new AbortController();
    /** @type {(() => void) | undefined} */
    let stop;
    let frame = 0;
    /** What the run looked like up to here says whether it is set aside, and what waits among the dead letters. */
    let lookedAt = 0;
    const draw = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        setVersion((version) => version + 1);
      });
    };
    const look = async () => {
      try {
        const run = await ask(`/runs/${encodeURIComponent(id)}`, { signal: leaving.signal });
        lookedAt = run.lastEventId;
        setAside(run.status === 'set-aside');
        setDead(
          run.subTasks
            .filter((/** @type {any} */ { deadLetter }) => deadLetter)
            .map((/** @type {any} */ { name }) => name),
        );
        setWebhooks(run.webhooks ?? []);
        return true;
      } catch (thrown) {
        if (leaving.signal.aborted) return false;
        if (isRefusal(thrown) || !race.current) {
          stop?.();
          setError(thrown);
        }
        return false;
      }
    };
    const begin = async () => {
      if (!(await look()) || leaving.signal.aborted) return;
      setError(undefined);
      stop = follow(`/runs/${encodeURIComponent(id)}/events`, {
        types: EVENT_TYPES,
        ...(race.current && { after: race.current.lastEventId }),
        onState: (state) => {
          setConnection(race.current && isOver(race.current) ? 'ended' : state);
          // The run may be gone: a stream doesn't say why it ends.
          if (state === 'waiting' && !(race.current && isOver(race.current))) void look();
        },
        onEvent: (event) => {
          race.current = advance(race.current, event);
          if (event.id > lookedAt) {
            setAside(false);
            if ('subTask' in event) setDead((names) => names.filter((name) => name !== event.subTask));
          }
          if (event.type === 'run.finished') {
            stop?.();
            setConnection('ended');
          }
          draw();
        },
      });
    };
    void begin();
    return () => {
      leaving.abort();
      stop?.();
      cancelAnimationFrame(frame);
    };
  }, [id, round]);
  return { race: race.current, isSetAside, dead, webhooks, connection, error, again };
}
