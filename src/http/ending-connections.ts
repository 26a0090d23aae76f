import type { Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ConnectionMemory } from './connection-memory.js';

/** Time between two looks at open connections, in milliseconds. */
const LOOK_MS = 10;
/**
 * For this many looks, idle connections stay open after a stop begins, and the server stays open after the last run: a request may be on its
 * way. The count starts again with each new connection.
 */
const IDLE_LOOKS = 10;
/** The number of looks while callers still have to read earlier answers. Also the most looks when new connections keep coming. */
const MOST_LOOKS = 200;

/**
 * Makes every further answer of a server end its connection (`Connection: close`), and closes idle connections. Requests that arrive at the
 * beginning are still answered: if they were cut off, their callers couldn’t know whether a run was started. Requests just after the end of
 * the last run are answered too, as they may come from callers that have just heard of that end.
 *
 * @param prototype the prototype of the server’s responses: it is changed here, so that before a stop no answer pays for a check
 * @param runsEnded settles when nothing runs any more
 * @returns a promise of the time when the server may be closed
 */
export async function endConnections(
  server: Server,
  prototype: object,
  memory: ConnectionMemory,
  runsEnded: Promise<void>,
): Promise<void> {
  const writeHead = Reflect.get(prototype, 'writeHead') as (...args: unknown[]) => ServerResponse;
  Object.assign(prototype, {
    writeHead(this: ServerResponse, ...args: unknown[]) {
      this.shouldKeepAlive = false;
      return writeHead.apply(this, args);
    },
  });
  let accepted = 0;
  server.on('connection', () => {
    accepted += 1;
  });
  /** Counts looks, not time: requests are read between two looks, however busy the machine is. */
  const look = async (times: () => number): Promise<void> => {
    for (let looks = 0, quiet = 0; quiet < times() && looks < MOST_LOOKS; looks += 1) {
      const before = accepted;
      await delay(LOOK_MS, undefined, { ref: false });
      quiet = accepted === before ? quiet + 1 : 0;
    }
  };
  const connections = promisify(server.getConnections.bind(server));
  if ((await connections()) === 0) return runsEnded;
  const idleClosed = look(() => (memory.unsentAnswers > 0 ? MOST_LOOKS : IDLE_LOOKS)).then(() => {
    // Node also closes connections whose last answer is not sent completely yet, so this comes only now.
    server.closeIdleConnections();
  });
  await Promise.all([idleClosed, runsEnded.then(() => look(() => IDLE_LOOKS))]);
}
