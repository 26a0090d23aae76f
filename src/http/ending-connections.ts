import type { Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ConnectionMemory } from './connection-memory.js';

/** Time between two looks at open connections, in milliseconds. */
const LOOK_MS = 10;
/**
 * So many looks a connection without a request is kept when a stop begins, and the server when it is over: a request may be on its way.
 * They begin anew with each new connection.
 */
const IDLE_LOOKS = 10;
/** So many, when callers have still to take what was answered before the stop; and at most, while new connections go on coming. */
const MOST_LOOKS = 200;

/**
 * Has every answer of a server end its connection (`Connection: close`), and closes connections that have no request. A request that
 * comes while that begins is answered: cut off, its caller couldn’t know whether a run was started. So is one that comes just after
 * the end of the last run, from a caller who was told of it.
 *
 * @param prototype that of the server’s responses, so that nothing asks for a stop in all the answers before it
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
  /** Looks, not a time: between two of them requests are read, however busy the machine is. */
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
    // Node closes connections whose last answer is still on its way, too.
    server.closeIdleConnections();
  });
  await Promise.all([idleClosed, runsEnded.then(() => look(() => IDLE_LOOKS))]);
}
