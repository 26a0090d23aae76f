import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionMemory } from './connection-memory.js';

/** How many requests of a connection may wait for the answers before theirs. With one more, the connection is closed. */
const MOST_AHEAD = 1_000;
/** Most memory of such a request in bytes, roughly: its headers have at most 16 KiB. */
const BYTES_AHEAD = 16 * 2 ** 10;

/**
 * Holds requests that arrive on a connection before the previous answer is sent. Handled at once, they would make the
 * service make all their answers for a caller that may read none.
 */
export class RequestsAhead {
  private readonly counts = new WeakMap<Socket, number>();

  constructor(private readonly memory: ConnectionMemory) {}

  /** Handles a request when the answer before its own is sent. */
  hold({ socket }: IncomingMessage, response: ServerResponse, handle: () => void): void {
    if (socket.destroyed) return;
    const count = this.counts.get(socket) ?? 0;
    if (count === MOST_AHEAD || !this.memory.take(BYTES_AHEAD)) {
      socket.destroy();
      return;
    }
    if (!this.counts.has(socket))
      socket.once('close', () => {
        this.memory.give(this.take(socket, Infinity) * BYTES_AHEAD);
      });
    this.counts.set(socket, count + 1);
    response.once('socket', () => {
      this.memory.give(this.take(socket, 1) * BYTES_AHEAD);
      handle();
    });
  }

  /** Stops counting up to `most` requests; returns how many there were. */
  private take(socket: Socket, most: number): number {
    const count = this.counts.get(socket) ?? 0;
    const taken = Math.min(count, most);
    this.counts.set(socket, count - taken);
    return taken;
  }
}
