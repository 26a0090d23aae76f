/** A crowd of callers over HTTP with open connections, and the upstream that answers them in the end. */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_RESULT } from '../servers/server-spec.ts';
import { UPSTREAM_MS, type CrowdCommand, type CrowdLap } from './crowd-protocol.ts';

const BODY = JSON.stringify(FIRST_RESULT);
const agent = new Agent({ keepAlive: true });
let calls = 0;

const upstream = createServer((_request, response) => {
  calls += 1;
  setTimeout(() => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': BODY.length }).end(BODY);
  }, UPSTREAM_MS);
});
upstream.keepAliveTimeout = 60_000;
upstream.listen(0, '127.0.0.1', () => {
  process.on('message', (command: CrowdCommand) => {
    void play(command).then((lap) => process.send?.(lap));
  });
});
process.on('disconnect', () => process.exit());

async function play({ url, callers = 0, withinMs = 0, input }: CrowdCommand): Promise<CrowdLap> {
  const { port } = upstream.address() as AddressInfo;
  calls = 0;
  if (url === undefined) return { port, waits: [], runs: 0, calls, faults: 0 };
  // Connections are open before.
  await Promise.all(Array.from({ length: callers }, () => send(new URL('/health/live', url).href, 'GET')));
  const begun = performance.now();
  const answers = await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      const due = begun + (withinMs * caller) / callers - performance.now();
      if (withinMs > 0) await sleep(Math.max(0, due));
      const sent = performance.now();
      const { status, body } = await send(url, 'POST', JSON.stringify({ input }));
      return { wait: performance.now() - sent, status, body };
    }),
  );
  const told = answers.map(({ body }) => JSON.parse(body) as { runId?: string; result?: unknown });
  return {
    port,
    waits: answers.map(({ wait }) => wait),
    runs: new Set(told.map(({ runId }) => runId)).size,
    calls,
    faults: answers.filter(({ status }, caller) => status !== 200 || told[caller]?.result !== FIRST_RESULT)
      .length,
  };
}

function send(url: string, method: string, text = ''): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': text.length };
    const sent = request(url, { agent, method, headers: text ? headers : {} }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
    });
    sent.on('error', reject).end(text);
  });
}
