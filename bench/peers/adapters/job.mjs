/**
 * The job that every peer does for a request: three pieces of work, of which the first result is the answer. Each piece says in LEDGER, where there is
 * one, that it was done: a line is on record as soon as `write` has returned, whatever becomes of this process.
 */
import { Buffer } from 'node:buffer';
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const unitMs = 1000 * Number(process.env.DEMO_TIME_SCALE ?? '1');
const ledger = process.env.LEDGER === undefined ? undefined : openSync(process.env.LEDGER, 'a');

const RESULTS = ['First result', 'Second result', 'Third result'];
const UNITS = (process.env.JOB_UNITS ?? '1,5,3').split(',').map(Number);

/** The pieces of work, by their numbers. */
export const PIECES = [0, 1, 2];

/** Does one piece of the work of a request. */
export async function work(id, piece) {
  await sleep(UNITS[piece] * unitMs);
  if (ledger !== undefined) writeSync(ledger, `${id} ${piece}\n`);
  return RESULTS[piece];
}

/**
 * Answers `GET /run-tasks?id=…` with what `answer` resolves with, by the bare server of Node: the same for all peers.
 *
 * @param {(id: string) => Promise<string>} answer
 */
export function serve(answer) {
  let count = 0;
  const server = createServer((request, response) => {
    const id =
      new URL(request.url, 'http://localhost').searchParams.get('id') ??
      `${process.pid}-${Date.now()}-${++count}`;
    const send = (status, content) => {
      const body = JSON.stringify(content);
      response
        .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
        .end(body);
    };
    answer(id).then(
      (result) => send(200, { result }),
      (error) => send(503, { error: String(error) }),
    );
  });
  server.listen(Number(process.env.PORT), process.env.HOST ?? '127.0.0.1');
}

/** Who waits for the first result of a request, by its id; `told` is called with what comes from elsewhere, and again with later results. */
export class Waiting {
  #callers = new Map();

  first(id) {
    const { promise, resolve } = Promise.withResolvers();
    this.#callers.set(id, resolve);
    return promise;
  }

  told(id, result) {
    this.#callers.get(id)?.(result);
    this.#callers.delete(id);
  }
}

/** Calls a service of Restate by its ingress, as one of its callers does. */
export async function call(path, body) {
  const response = await fetch(`${process.env.RESTATE_INGRESS}/${path}`, {
    method: 'POST',
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}
