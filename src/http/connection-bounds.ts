import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { LINGER_MS, refusal } from './protocol-errors.js';
import type { Connection, Refusals } from './refusals.js';

/** A request has at least this long to arrive, with a body of usual size, in milliseconds. */
const ARRIVAL_MS = 60_000;
/** Node keeps a connection this much longer than it announces, in milliseconds. */
const KEEP_ALIVE_BUFFER_MS = 1_000;
/** Slowest rate at which a large body may arrive, in bytes a millisecond. */
const ARRIVAL_RATE = 100;
/** How many connections over the bound get an answer at a time; others are closed without one. */
const MOST_REFUSED = 100;

interface Bounds {
  readonly maxConnections: number;
  readonly maxInputBytes: number;
  /** How long a connection is kept for its next request, in milliseconds. */
  readonly keepAliveMs: number;
  /** Beginning of links, where no request decides. */
  readonly base: string | undefined;
  readonly refusals: Refusals;
}

/**
 * Bounds how many connections a server has, and how long a request may take to arrive. Node measures the time for headers from the opening
 * of a connection, and a proxy may open a connection long before its first request. So headers have at least as much time as an idle
 * connection is kept.
 */
export function boundConnections(
  server: Server,
  { maxConnections, maxInputBytes, keepAliveMs, base, refusals }: Bounds,
): void {
  const why = `${maxConnections} connections are open, as many as MAX_CONNECTIONS allows`;
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = Math.max(ARRIVAL_MS, keepAliveMs + KEEP_ALIVE_BUFFER_MS);
  server.requestTimeout = server.headersTimeout + Math.ceil(maxInputBytes / ARRIVAL_RATE);
  server.maxConnections = maxConnections + MOST_REFUSED;
  server.on('drop', (dropped: Connection = {}) => {
    refusals.count('overloaded', dropped, why);
  });

  // Node's own listener, which reads the requests of a connection.
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
  let served = 0;
  const ended = (): void => {
    served -= 1;
  };
  server.removeAllListeners('connection').on('connection', (socket: Socket) => {
    if (served >= maxConnections) {
      const requestId = randomUUID();
      refusals.count('overloaded', socket, why, requestId);
      refuse(socket, refusal('overloaded', why, requestId, base));
      return;
    }
    served += 1;
    socket.once('close', ended);
    serve?.call(server, socket);
  });
}

/** Answers the first request of a connection with a refusal. A connection without a request is closed without an answer. */
function refuse(socket: Socket, answer: string): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket
    .once('data', () => {
      socket.end(answer);
    })
    .on('data', () => undefined)
    .on('error', () => socket.destroy())
    .on('end', () => socket.end())
    .once('close', () => {
      clearTimeout(timer);
    });
}
