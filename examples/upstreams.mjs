/**
 * The upstreams that the examples call, on 127.0.0.1: `node examples/upstreams.mjs`, until Ctrl+C.
 * With `0` the system chooses their ports, in the order of those that the examples name.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json, text } from 'node:stream/consumers';
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
        const status = typeof result === 'number' ? result : 200;
        say(`${what}: ${request.method} ${request.url} ${status}`);
        response.writeHead(status, {
          'Content-Type': 'application/json',
          ...(status === 429 && { 'Retry-After': '30' }),
        });
        response.end(JSON.stringify(status === 200 ? result : { error: 'not now' }));
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

/** A provider of a language model, which says what it was asked. */
const model = (key, form) => async (request) => {
  if (
    key !== undefined &&
    ![`Bearer ${key}`, key].includes(request.headers.authorization ?? request.headers['x-api-key'])
  )
    return 401;
  const { model, messages } = await json(request);
  return form(`${model} says: ${messages.at(-1).content}`);
};
const choices = (content) => ({ choices: [{ message: { role: 'assistant', content } }] });
const content = (text) => ({ content: [{ type: 'text', text }] });

/** A node of a blockchain, at a URL that only who has a key knows. */
const node = (balance) => async (request) => {
  if (request.url !== '/v3/sesame') return 404;
  const { id } = await json(request);
  return { jsonrpc: '2.0', id, result: balance };
};

const charges = new Map();

/** Charges, and fails to say so the first time: the same key gives the same charge then. */
async function charge(request) {
  const key = request.headers['idempotency-key'];
  const { amount, currency } = Object.fromEntries(new URLSearchParams(await text(request)));
  if (charges.has(key)) return charges.get(key);
  charges.set(key, { id: `ch_${charges.size + 1}`, amount: Number(amount), currency });
  return 503;
}

const index = (name, ms) => async (request) => {
  const { query } = await json(request);
  await delay(ms);
  return { hits: [{ title: `${query}, in the index of ${name}` }] };
};

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
await serve(4011, 'the provider north', () => Promise.resolve(429));
await serve(4012, 'the provider south', model('sesame', content));
await serve(4013, 'the own model', model(undefined, choices));
await serve(4014, 'the open weather service', async () => ({ current: { temperature: 21.4 } }));
await serve(4015, 'the weather service with keys', async (request) =>
  request.url.endsWith('&appid=sesame') ? { main: { temp: 21.9 } } : 401,
);
await serve(4016, 'the weather stations', async () => {
  await delay(60_000);
  return { properties: { temperature: { value: 22 } } };
});
await serve(4017, 'the payment service', charge);
await serve(4018, 'the ledger', async (request) => ({ entry: await json(request) }));
await serve(4019, 'the index of books', index('books', 50));
await serve(4020, 'the index of films', index('films', 100));
await serve(4021, 'the index of music', index('music', 60_000));
await serve(4022, 'the node alpha', node('0x10'));
await serve(4023, 'the node beta', node('0x0f')); // one block behind
await serve(4024, 'the node gamma', node('0x10'));
