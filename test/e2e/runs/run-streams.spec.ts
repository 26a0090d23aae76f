import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import type { Problem } from '../../../src/http/problems.js';
import { ControlledStream } from '../../support/controlled-stream.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES } from '../../support/faces.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const chat = new ControlledStream('chat', { a: {}, b: {} });
const restarting = new ControlledStream(
  'restarting',
  { a: {}, b: {} },
  { onBreak: 'restart', losers: 'continue' },
);
const plain = new ControlledTask('plain', { only: {} });
const secret = new ControlledTask('secret', { only: {} }, { redact: ['/result/token'] });
const quorum = new ControlledStream('both', { a: {}, b: {} }, { reply: { policy: 'all' } });

describe.each(FACES)('%s: streams of runs', (face) => {
  let service: TestApp;
  const open: { close(): void }[] = [];
  beforeAll(async () => {
    const tasks = [chat, restarting, plain, secret, quorum];
    service = await TestApp.start({ face, providers: tasks.flatMap(({ providers }) => providers) });
  });
  afterEach(() => {
    for (const reader of open.splice(0)) reader.close();
  });
  afterAll(() => service.close());

  /** Starts a run, and resolves when the headers of its stream are there. */
  async function start(task: string, headers: Record<string, string> = {}): Promise<StreamReader> {
    const reader = await StreamReader.open(`${service.url}/tasks/${task}/runs`, { body: {}, headers });
    open.push(reader);
    return reader;
  }

  async function read(runId: string, lastEventId?: number | string, after = '0'): Promise<StreamReader> {
    const url = `${service.url}/runs/${runId}/stream?after=${after}`;
    const reader = await StreamReader.open(url, { lastEventId });
    open.push(reader);
    return reader;
  }

  const idOf = ({ response }: StreamReader): string => response.headers.location!.split('/').at(-1)!;

  /** What came, in words: `a1@0: x y`. */
  const said = ({ messages }: StreamReader): string[] =>
    messages.map(({ event, data }) => {
      const { subTask, attempt, first, chunks } = JSON.parse(data) as Record<string, unknown>;
      if (event === 'chunk')
        return `${subTask as string}${attempt as number}@${first as number}: ${(chunks as unknown[]).join(' ')}`;
      return event === 'restart' ? `restart ${subTask as string}${attempt as number}` : event;
    });

  /** A run of which two chunks were shown, and its stream. */
  async function begun() {
    const reader = await start('chat');
    const a = await chat.next('a');
    const b = await chat.next('b');
    a.send('Hel');
    await reader.until(() => reader.messages.length === 1);
    a.send('lo');
    await reader.until(() => reader.messages.length === 2);
    return { reader, a, b, runId: idOf(reader) };
  }

  async function finished() {
    const run = await begun();
    run.a.end();
    await run.reader.ended;
    await service.event(run.runId, 'run.finished');
    return run;
  }

  test('begin when the run is recorded, show the chunks of the winner, and end with the reply', async () => {
    const { reader, a, b, runId } = await begun();
    expect(reader.status).toBe(200);
    expect(reader.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      location: `${service.base}/runs/${runId}`,
    });
    expect(reader.response.headers).not.toHaveProperty('preference-applied');
    b.send('never shown');
    a.end();
    expect(await reader.ended).toEqual({ complete: true });
    expect(said(reader)).toEqual(['a1@0: Hel', 'a1@1: lo', 'run.replied']);
    const replied = await service.event(runId, 'run.replied');
    expect(reader.messages.at(-1)!.id).toBe(String(replied.id));
    const ofRun = service.events.filter(
      (event) => event.runId === runId && event.type === 'sub-task.streamed',
    );
    expect(reader.messages.slice(0, -1).map(({ id }) => Number(id))).toEqual(ofRun.map(({ id }) => id));
    expect(reader.text).toMatch(/^retry: 2000\nid: \d+\nevent: chunk\n/);
  });

  test('end with exactly what the answer is without a stream', async () => {
    const key = { 'Idempotency-Key': `"json-${face}"` };
    const reader = await start('chat', key);
    const a = await chat.next('a');
    await chat.next('b');
    a.send('x');
    a.end();
    await reader.ended;
    const answer = await service.http.post('/tasks/chat/runs').set(key).send({}).expect(200);
    expect(JSON.parse(reader.messages.at(-1)!.data)).toEqual(answer.body);
  });

  test('end with exactly the problem that the answer is without a stream', async () => {
    const key = { 'Idempotency-Key': `"problem-${face}"` };
    const reader = await start('chat', key);
    const a = await chat.next('a');
    await chat.next('b');
    a.send('x');
    await reader.until(() => reader.messages.length > 0);
    a.fail(new Error('broke off'));
    expect(await reader.ended).toEqual({ complete: true });
    expect(said(reader)).toEqual(['a1@0: x', 'error']);
    const answer = await service.http.post('/tasks/chat/runs').set(key).send({}).expect(502);
    const problem = JSON.parse(reader.messages.at(-1)!.data) as Problem;
    expect(problem).toEqual(answer.body);
    expect(problem.type).toContain('run-failed');
  });

  test('begin anew, which is announced, when another takes the place of one that broke off', async () => {
    const reader = await start('restarting');
    const a = await restarting.next('a');
    const b = await restarting.next('b');
    a.send('x');
    await reader.until(() => reader.messages.length === 1);
    b.send('y', 'z');
    a.fail(new Error('broke off'));
    await reader.until(() => reader.messages.some(({ event }) => event === 'restart'));
    b.end();
    await reader.ended;
    const [, restart, ...rest] = reader.messages;
    expect(said(reader).slice(0, 3)).toEqual(['a1@0: x', 'restart b1', expect.stringContaining('b1@0: y')]);
    expect([restart!.id, restart!.data]).toEqual(['', JSON.stringify({ subTask: 'b', attempt: 1 })]);
    expect(JSON.parse(rest.at(-1)!.data)).toMatchObject({ result: 'yz', answeredBy: 'b' });
  });

  test('are of the reply alone where several results make it, or none streams', async () => {
    const both = await start('both');
    for (const name of ['a', 'b'] as const) {
      const stream = await quorum.next(name);
      stream.send(name);
      stream.end();
    }
    await both.ended;
    const one = await start('plain');
    (await plain.next('only')).succeed(1);
    await one.ended;
    expect([said(both), said(one)]).toEqual([['run.replied'], ['run.replied']]);
  });

  test('bring the caller what is redacted for all others', async () => {
    const reader = await start('secret');
    (await secret.next('only')).succeed({ token: 'abc' });
    await reader.ended;
    expect(JSON.parse(reader.messages[0]!.data)).toMatchObject({ result: { token: 'abc' } });
    const other = await read(idOf(reader));
    await other.ended;
    expect(JSON.parse(other.messages[0]!.data)).toMatchObject({ result: { token: '[redacted]' } });
  });

  test('bring the run of an earlier request with the same key from its beginning', async () => {
    const key = { 'Idempotency-Key': `"again-${face}"` };
    const first = await start('chat', key);
    const a = await chat.next('a');
    await chat.next('b');
    a.send('x');
    await first.until(() => first.messages.length === 1);
    const second = await start('chat', key);
    expect(second.response.headers['idempotency-replayed']).toBe('true');
    expect(first.response.headers).not.toHaveProperty('idempotency-replayed');
    a.send('y');
    a.end();
    await Promise.all([first.ended, second.ended]);
    const third = await start('chat', key);
    await third.ended;
    for (const reader of [second, third]) expect(reader.messages).toEqual(first.messages);
  });

  test('are refused with a problem before the run starts', async () => {
    const before = service.runsStarted;
    const post = (path: string, body: string | object) =>
      service.http.post(path).set('Accept', 'text/event-stream').type('json').send(body);
    await expectProblem(service, await post('/tasks/none/runs', {}), 404, 'task-unknown');
    await expectProblem(service, await post('/tasks/chat/runs', { losers: 1 }), 400, 'invalid-request');
    await expectProblem(service, await post('/tasks/chat/runs', '{'), 400, 'malformed-json');
    expect(service.runsStarted).toBe(before);
  });

  test.each([
    ['text/event-stream;q=0.9, application/json', 'application/json'],
    ['application/json;q=0.9, text/event-stream', 'text/event-stream'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['text/*', 'text/event-stream'],
  ])('are for those who ask for them: %s', async (accept, type) => {
    const headers = { Accept: accept, 'Content-Type': 'application/json' };
    const call = request(`${service.url}/tasks/plain/runs`, { method: 'POST', agent: false, headers });
    const answered = once(call.end('{}'), 'response') as Promise<[IncomingMessage]>;
    (await plain.next('only')).succeed();
    const [response] = await answered;
    expect(response.resume().headers['content-type']).toContain(type);
  });

  test('go on without a caller who leaves', async () => {
    const { reader, a, runId } = await begun();
    reader.close();
    a.send('!');
    a.end();
    expect(await service.finishedRun(runId)).toMatchObject({ reply: { result: 'Hello!' } });
  });

  describe('read on at /runs/{id}/stream', () => {
    test.each(['Last-Event-ID', 'after'])(
      'bring the rest behind %s, whichever message it is of',
      async (by) => {
        const { reader, runId } = await finished();
        const { messages } = reader;
        expect(messages).toHaveLength(3);
        for (const [index, { id }] of messages.slice(0, -1).entries()) {
          const rest = by === 'after' ? await read(runId, undefined, id) : await read(runId, id);
          expect(await rest.ended).toEqual({ complete: true });
          expect(rest.messages).toEqual(messages.slice(index + 1));
        }
        const all = await read(runId);
        await all.ended;
        expect(all.text).toBe(reader.text);
      },
    );

    test('go on with a run that is under way', async () => {
      const { reader, a, runId } = await begun();
      const rest = await read(runId, reader.messages[0]!.id);
      await rest.until(() => rest.messages.length === 1);
      a.send('!');
      await rest.until(() => rest.messages.length === 2);
      a.end();
      await Promise.all([rest.ended, reader.ended]);
      expect(rest.messages).toEqual(reader.messages.slice(1));
    });

    test('are 204 to a reader that has all, also while losers go on', async () => {
      const reader = await start('restarting');
      const a = await restarting.next('a');
      const b = await restarting.next('b');
      a.send('x');
      a.end();
      await reader.ended;
      const runId = idOf(reader);
      const all = async (seen: number | string) => {
        const back = await read(runId, seen);
        await back.ended;
        expect([back.status, back.text]).toEqual([204, '']);
      };
      await all(reader.lastEventId!);
      b.send('y');
      b.end();
      await all((await service.event(runId, 'run.finished')).id);
    });

    test('begin at the beginning for an id of another log', async () => {
      const { reader, runId } = await finished();
      const back = await read(runId, Number.MAX_SAFE_INTEGER);
      await back.ended;
      expect(back.messages).toEqual(reader.messages);
    });

    test('are read by an EventSource to the end, which then stops by itself', async () => {
      const { runId } = await finished();
      const source = new EventSource(`${service.url}/runs/${runId}/stream`);
      open.push(source);
      const seen: string[] = [];
      for (const type of ['chunk', 'run.replied']) source.addEventListener(type, () => seen.push(type));
      await new Promise<void>((resolve) => {
        source.addEventListener('error', () => {
          if (source.readyState === source.CLOSED) resolve();
        });
      });
      expect(seen).toEqual(['chunk', 'chunk', 'run.replied']);
    });

    test('go on after an error once the sub-task is retried, and leave the error out for who hasn’t seen it', async () => {
      const reader = await start('plain');
      (await plain.next('only')).fail(new Error('at first'));
      await reader.ended;
      const runId = idOf(reader);
      await service.event(runId, 'run.finished');
      expect(said(reader)).toEqual(['error']);
      const seen = reader.messages[0]!.id;
      expect((await read(runId, seen)).status).toBe(204);
      await service.http.post(`/runs/${runId}/sub-tasks/only/retry`).expect(200);
      const back = await read(runId, seen);
      (await plain.next('only')).succeed('mended');
      await back.ended;
      const late = await read(runId);
      await late.ended;
      for (const { messages } of [back, late])
        expect(messages.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
          expect.objectContaining({ result: 'mended' }),
        ]);
    });

    test('are 404 for runs that there are none of, and for those that are erased', async () => {
      const none = await service.http.get('/runs/none/stream');
      await expectProblem(service, none, 404, 'run-unknown');
      const { runId } = await finished();
      await service.http.delete(`/runs/${runId}`).expect(204);
      const erased = await service.http.get(`/runs/${runId}/stream`);
      await expectProblem(service, erased, 404, 'run-unknown');
    });

    test('are 400 for what is no id, and 406 for who takes no stream', async () => {
      const { runId } = await finished();
      const path = `/runs/${runId}/stream`;
      const wrong = await service.http.get(path).set('Last-Event-ID', 'x');
      await expectProblem(service, wrong, 400, 'invalid-request');
      await expectProblem(service, await service.http.get(`${path}?after=x`), 400, 'invalid-request');
      const json = await service.http.get(path).set('Accept', 'application/json');
      await expectProblem(service, json, 406, 'not-acceptable');
    });

    test('answer HEAD with their headers alone', async () => {
      const { a, runId } = await begun();
      const head = async () => {
        const call = request(`${service.url}/runs/${runId}/stream`, { method: 'HEAD', agent: false });
        const [response] = (await once(call.end(), 'response')) as [IncomingMessage];
        await once(response.resume(), 'end');
        return [response.statusCode, response.headers['content-type']];
      };
      expect(await head()).toEqual([200, 'text/event-stream; charset=utf-8']);
      a.end();
      await service.event(runId, 'run.finished');
      expect(await head()).toEqual([200, 'text/event-stream; charset=utf-8']);
    });
  });
});
