/**
 * The upstreams that the examples call, on 127.0.0.1: `node examples/upstreams.mjs`, until Ctrl+C.
 * With `0` the system chooses their ports, in the order of those that the examples name.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const anyPort = process.argv[2] === '0';

/** Serves on a port what `answer` makes of a request: the body, or a status alone. */
async function serve(port, what, answer) {
  const server = createServer((request, response) => {
    // A caller that has what it needs closes the connection: this is how one sees it.
    response.on('close', () => {
      if (!response.writableFinished) say(`${what}: the caller is gone`);
    });
    answer(request).then(
      (result) => {
        if (response.destroyed) return;
        say(`${what}: ${request.method} ${request.url} ${typeof result === 'number' ? result : 200}`);
        response.writeHead(typeof result === 'number' ? result : 200, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(typeof result === 'number' ? { error: 'not now' } : result));
      },
      (error) => response.destroy(error),
    );
  });
  server.listen(anyPort ? 0 : port, '127.0.0.1');
  await once(server, 'listening');
  say(`http://127.0.0.1:${server.address().port} is ${what}`);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}

const lastPart = ({ url }) => decodeURIComponent(url.split('/').at(-1));

const mirror = (name, ms) => async (request) => {
  await delay(ms);
  return { file: lastPart(request), mirror: name };
};

const replica = (name, msOf) => async (request) => {
  const id = Number(lastPart(request));
  await delay(msOf(id));
  return { id, title: `Article ${id}`, replica: name };
};

const tried = new Set();

/** Answers the second try of each order. */
async function risk(request) {
  if (request.headers.authorization !== 'Bearer sesame') return 401;
  const { orderId } = await json(request);
  await delay(300);
  if (tried.has(orderId)) return { orderId, risk: 'low' };
  tried.add(orderId);
  return 503;
}

await serve(4001, 'the mirror berlin', mirror('berlin', 50));
await serve(4002, 'the mirror oslo', mirror('oslo', 1_000));
await serve(4003, 'the mirror lisbon', () => Promise.resolve(503));
await serve(
  4004,
  'replica-1',
  replica('replica-1', (id) => (id % 10 === 0 ? 1_000 : 10)),
);
await serve(
  4005,
  'replica-2',
  replica('replica-2', () => 10),
);
await serve(4006, 'the orders', async (request) => ({ orderId: Number(lastPart(request)), total: '49.90' }));
await serve(4007, 'the risk of orders', risk);
