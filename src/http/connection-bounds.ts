import type { Server } from 'node:http';
import { Logger } from '@nestjs/common';
import { Seldom } from './seldom.js';

/** The least time that a request has to arrive, in milliseconds: its headers, and with them a body of usual size. */
const ARRIVAL_MS = 60_000;
/** Node keeps a connection this much longer than it says, in milliseconds. */
const KEEP_ALIVE_BUFFER_MS = 1_000;
/** The slowest that a large body may arrive, in bytes a millisecond. */
const ARRIVAL_RATE = 100;

interface Bounds {
  readonly maxConnections: number;
  readonly maxInputBytes: number;
  /** How long a connection is kept for its next request, in milliseconds. */
  readonly keepAliveMs: number;
}

/**
 * Bounds how many connections a server has, and how long a request may take to arrive. A proxy may open a connection long before its
 * first request, and Node counts from there, so the headers have at least as long as the next request of a connection.
 */
export function boundConnections(
  server: Server,
  { maxConnections, maxInputBytes, keepAliveMs }: Bounds,
): void {
  const seldom = new Seldom(new Logger('Http'));
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = Math.max(ARRIVAL_MS, keepAliveMs + KEEP_ALIVE_BUFFER_MS);
  server.requestTimeout = server.headersTimeout + Math.ceil(maxInputBytes / ARRIVAL_RATE);
  server.maxConnections = maxConnections;
  server.on('drop', () => {
    seldom.warn(`New connections are closed: ${maxConnections} are open, as many as MAX_CONNECTIONS allows`);
  });
}
