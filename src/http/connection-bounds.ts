import type { Server } from 'node:http';
import { Logger } from '@nestjs/common';
import { Seldom } from './seldom.js';

/** How long a request may take to arrive, in milliseconds: its headers, and with them a body of usual size. */
const ARRIVAL_MS = 60_000;
/** The slowest that a large body may arrive, in bytes a millisecond. */
const ARRIVAL_RATE = 100;

interface Bounds {
  readonly maxConnections: number;
  readonly maxInputBytes: number;
}

/** Bounds how many connections a server has, and how long a request may take to arrive. */
export function boundConnections(server: Server, { maxConnections, maxInputBytes }: Bounds): void {
  const seldom = new Seldom(new Logger('Http'));
  server.requestTimeout = ARRIVAL_MS + Math.ceil(maxInputBytes / ARRIVAL_RATE);
  server.maxConnections = maxConnections;
  server.on('drop', () => {
    seldom.warn(`New connections are closed: ${maxConnections} are open, as many as MAX_CONNECTIONS allows`);
  });
}
