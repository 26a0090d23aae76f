/**
 * An upstream with the tail of "The Tail at Scale" (Dean and Barroso, CACM 56(2), 2013): it answers in 10 ms, but one
 * request in a hundred takes a second. Answers each message with its port and with what it was asked since the last one.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FIRST_RESULT } from '../servers/server-spec.ts';
import { FAST_MS, SLOW_MS, SLOW_SHARE, type UpstreamLap } from './upstream-protocol.ts';

const BODY = JSON.stringify(FIRST_RESULT);

let requests = 0;
let slow = 0;

const server = createServer((request, response) => {
  requests += 1;
  const isSlow = request.url === '/tail' && Math.random() < SLOW_SHARE;
  if (isSlow) slow += 1;
  const answer = (): void => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY);
  };
  if (request.url !== '/tail') {
    answer();
    return;
  }
  const timer = setTimeout(answer, isSlow ? SLOW_MS : FAST_MS);
  response.on('close', () => {
    clearTimeout(timer);
  });
});

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.on('message', () => {
    const lap: UpstreamLap = { port: (server.address() as AddressInfo).port, requests, slow };
    requests = 0;
    slow = 0;
    process.send?.(lap);
  });
});
process.on('disconnect', () => process.exit());
