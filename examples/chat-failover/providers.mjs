/**
 * Three providers of language models in OpenAI’s shape, on 127.0.0.1: `node examples/chat-failover/providers.mjs`, until Ctrl+C.
 * With `0` the system chooses their ports, in the order of those that tasks.yaml names. A question says what goes wrong:
 * `[busy]`, `[down]`, `[stall]`, `[empty]` and `[error]` trip north before its first piece, `[break]` breaks it off midway.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

const anyPort = process.argv[2] === '0';

await serve(4031, 'north', { key: 'sesame', firstMs: 50, nextMs: 50, faults: true });
await serve(4032, 'south', { key: 'sesame', firstMs: 150, nextMs: 20 });
await serve(4033, 'own', { firstMs: 400, nextMs: 10 });

async function serve(port, name, terms) {
  const server = createServer((request, response) => {
    // A caller that needs no more closes the connection: this is how one sees it.
    response.on('close', () => {
      if (response.errored) say(`${name}: ${response.errored.message}`);
      else if (!response.writableFinished) say(`${name}: the caller is gone`);
    });
    answer(request, response, terms).then(
      () => say(`${name}: ${response.statusCode}`),
      (error) => response.destroy(error),
    );
  });
  server.listen(anyPort ? 0 : port, '127.0.0.1');
  await once(server, 'listening');
  say(`http://127.0.0.1:${server.address().port} is ${name}`);
}

async function answer(request, response, { key, firstMs, nextMs, faults = false }) {
  if (key !== undefined && request.headers.authorization !== `Bearer ${key}`)
    return fail(response, 401, 'wrong key');
  const { model, messages, stream_options: options } = await json(request);
  const question = messages.at(-1).content;
  const fault = faults ? /\[(\w+)\]/.exec(question)?.[1] : undefined;
  if (fault === 'busy') return fail(response, 429, 'too many requests', { 'Retry-After': '30' });
  if (fault === 'down') return fail(response, 503, 'out of order');

  const frame = (choices, usage = null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, choices, usage })}\n\n`,
    );
  const choice = (delta, reason = null) => [{ index: 0, delta, finish_reason: reason }];

  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  if (fault === 'error') return response.end('data: {"error": {"message": "the model is overloaded"}}\n\n');
  frame(choice({ role: 'assistant', content: '' }));
  if (fault === 'stall') return once(response, 'close');
  await delay(firstMs);
  const words = fault === 'empty' ? [] : `${model} says: You asked "${question}".`.split(/(?<= )/);
  for (const [index, word] of words.entries()) {
    if (fault === 'break' && index === 3) throw new Error('breaks off');
    if (index > 0) await delay(nextMs);
    if (response.destroyed) return;
    frame(choice({ content: word }));
  }
  frame(choice({}, 'stop'));
  if (options?.include_usage)
    frame([], { prompt_tokens: 5, completion_tokens: words.length, total_tokens: 5 + words.length });
  response.end('data: [DONE]\n\n');
}

function fail(response, status, message, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } }));
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
