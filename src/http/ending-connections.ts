import type { Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ConnectionMemory } from './connection-memory.js';

/** How long a connection without a request is kept when a stop begins: long enough for a request that is on its way. */
const IDLE_MS = 100;
/** How long callers may take for what was answered before the stop. */
const TAKE_MS = 2_000;
const LOOK_MS = 10;

/**
 * Has every answer of a server end its connection (`Connection: close`), and closes connections that have no request. A request that
 * comes while that begins is answered: cut off, its caller couldn’t know whether a run was started.
 *
 * @param prototype that of the server’s responses, so that nothing asks for a stop in all the answers before it
 * @returns a promise of the time when none is left that could have been closed
 */
export async function endConnections(
  server: Server,
  prototype: object,
  memory: ConnectionMemory,
): Promise<void> {
  const writeHead = Reflect.get(prototype, 'writeHead') as (...args: unknown[]) => ServerResponse;
  Object.assign(prototype, {
    writeHead(this: ServerResponse, ...args: unknown[]) {
      this.shouldKeepAlive = false;
      return writeHead.apply(this, args);
    },
  });
  const startedAt = performance.now();
  const connections = promisify(server.getConnections.bind(server));
  const waits = (forMs: number): boolean => performance.now() - startedAt < forMs;
  // Node would close connections whose last answer is still on its way, too.
  while ((waits(IDLE_MS) || (memory.unsentAnswers > 0 && waits(TAKE_MS))) && (await connections()) > 0)
    await delay(LOOK_MS, undefined, { ref: false });
  server.closeIdleConnections();
}
