/**
 * An upstream that takes as long as its path says: `/5`, or `/300/500` for some time between; `/held`: until the next message. Answers each message with its
 * port.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Random } from '../../test/crash/random.ts';
import { FIRST_RESULT } from '../servers/server-spec.ts';

export interface FairnessUpstreamCommand {
  /** What random numbers follow from, from now on. */
  readonly seed?: number;
}

export interface FairnessUpstreamAnswer {
  readonly port: number;
}

const BODY = JSON.stringify(FIRST_RESULT);

let random = new Random(1);

let held: ServerResponse[] = [];

const server = createServer((request, response) => {
  if (request.url === '/held') {
    held.push(response);
    return;
  }
  const [least = 0, most = least] = (request.url ?? '').split('/').slice(1).map(Number);
  const timer = setTimeout(answer, random.int(least, most), response);
  response.on('close', () => {
    clearTimeout(timer);
  });
});

function answer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY);
}

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.on('message', ({ seed }: FairnessUpstreamCommand) => {
    if (seed !== undefined) random = new Random(seed);
    held.forEach(answer);
    held = [];
    const told: FairnessUpstreamAnswer = { port: (server.address() as AddressInfo).port };
    process.send?.(told);
  });
});
process.on('disconnect', () => process.exit());
