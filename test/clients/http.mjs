import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import got from 'got';
import ky from 'ky';
import { Agent, request, RetryAgent } from 'undici';

const base = process.argv[2];
const RETRIES = 2;

axiosRetry(axios, { retries: RETRIES, retryCondition: ({ response }) => response === undefined });
const dispatcher = new RetryAgent(new Agent(), {
  methods: ['GET', 'POST'],
  maxRetries: RETRIES,
  minTimeout: 10,
});
const retry = { limit: RETRIES, methods: ['get', 'post'] };

/** Each sends a request as its author means it to be used: what it throws for a status is read from the error. */
const clients = {
  async fetch(method, path, headers, json) {
    const body = json && JSON.stringify(json);
    for (let tries = 0; ; tries += 1)
      try {
        const response = await globalThis.fetch(base + path, { method, headers, body });
        return answer(response.status, Object.fromEntries(response.headers), await response.text());
      } catch (error) {
        if (tries === RETRIES) throw error;
        await delay(10);
      }
  },
  async undici(method, path, headers, json) {
    const body = json && JSON.stringify(json);
    const response = await request(base + path, { method, headers, body, dispatcher });
    return answer(response.statusCode, response.headers, await response.body.text());
  },
  async axios(method, path, headers, data) {
    const sent = axios.request({ method, url: base + path, headers, data });
    const { response } = await sent.then((response) => ({ response }), withResponse);
    return answer(response.status, response.headers, JSON.stringify(response.data || null));
  },
  async got(method, path, headers, json) {
    const methods = retry.methods.map((name) => name.toUpperCase());
    const sent = got(base + path, { method, headers, json, retry: { ...retry, methods } });
    const { response } = await sent.then((response) => ({ response }), withResponse);
    return answer(response.statusCode, response.headers, response.body);
  },
  async ky(method, path, headers, json) {
    const sent = ky(base + path, { method, headers, json, retry, timeout: false });
    const { response, data } = await sent.then((response) => ({ response }), withResponse);
    const text = data === undefined ? await response.text() : JSON.stringify(data);
    return answer(response.status, Object.fromEntries(response.headers), text);
  },
};

function withResponse(error) {
  if (error.response) return error;
  throw error;
}

function answer(status, { etag, 'idempotency-replayed': replayed }, text) {
  return { status, etag, replayed, body: text ? JSON.parse(text) : undefined };
}

/** Starts a run of which the service loses the answer, follows it to its end by long polls, and makes a mistake. */
async function story(name, send) {
  const headers = { 'content-type': 'application/json' };
  const key = { 'Idempotency-Key': `"${name}"`, Prefer: 'respond-async' };
  const { replayed, body } = await send('POST', '/tasks/demo/runs', { ...headers, ...key }, { input: name });
  const path = `/runs/${body.id ?? body.runId}`;
  const polls = [await send('GET', path)];
  while (polls.at(-1).body?.finishedAt === null)
    polls.push(await send('GET', path, { Prefer: 'wait=25', 'If-None-Match': polls.at(-1).etag }));
  const known = await send('GET', path, { 'If-None-Match': polls.at(-1).etag });
  const refused = await send('POST', '/tasks/demo/runs', headers, { losers: 'nonsense' });
  return {
    replayed,
    polls: polls.map(({ status, etag }) => `${status} ${etag}`),
    outcome: polls.at(-1).body?.status,
    known: known.status,
    refused: [refused.status, refused.body.type, refused.body.errors[0].pointer],
  };
}

const told = Object.entries(clients).map(async ([name, send]) => {
  try {
    return [name, await story(name, send)];
  } catch (error) {
    return [name, String(error.stack)];
  }
});
process.stdout.write(JSON.stringify(Object.fromEntries(await Promise.all(told))));
process.exit();
