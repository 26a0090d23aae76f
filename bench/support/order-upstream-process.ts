/** An upstream whose paths are of different pace. Answers each message with its port and with what it was asked since the last one. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../test/crash/random.ts';
import { FIRST_RESULT } from '../servers/server-spec.ts';
import {
  DEAD,
  PACES,
  SPREAD,
  type OrderUpstreamCommand,
  type OrderUpstreamLap,
  type Pace,
} from './order-upstream-protocol.ts';

const BODY = JSON.stringify(FIRST_RESULT);

let requests = 0;
let random = new Random(1);

const server = createServer((request, response) => {
  requests += 1;
  if (request.url === `/${DEAD}`) return;
  const ms = PACES[request.url?.slice(1) as Pace] * (1 + SPREAD * (random.int(-1_000, 1_000) / 1_000));
  const timer = setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY);
  }, ms);
  response.on('close', () => {
    clearTimeout(timer);
  });
});

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.on('message', ({ seed }: OrderUpstreamCommand) => {
    if (seed !== undefined) random = new Random(seed);
    const lap: OrderUpstreamLap = { port: (server.address() as AddressInfo).port, requests };
    requests = 0;
    process.send?.(lap);
  });
});
process.on('disconnect', () => process.exit());
