import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stream, streaming } from '../../support/http-streams.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { misbehaviours, UpstreamServer } from '../../support/upstreams.js';
import type { RequestListener } from 'node:http';

const delta = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

describe('tasks of a file whose sub-tasks stream', () => {
  const write = tasksFiles();
  const answers: Record<'a' | 'b', RequestListener> = { a: () => undefined, b: () => undefined };
  let a: UpstreamServer;
  let b: UpstreamServer;
  let service: TestApp;

  beforeAll(async () => {
    a = await UpstreamServer.start((request, response) => answers.a(request, response));
    b = await UpstreamServer.start((request, response) => answers.b(request, response));
    const common = `kind: http, method: POST, allowPrivate: true, stream: sse, chunk: /choices/0/delta/content, end: '[DONE]'`;
    const file = write(`tasks:
  chat:
    subTasks:
      - { name: a, url: '${a.origin}/', wins: '{% $length($trim($)) > 0 %}', ${common} }
      - { name: b, url: '${b.origin}/', ${common} }
  failover:
    subTasks:
      - { name: a, url: '${a.origin}/', firstChunk: 20ms, ${common} }
      - { name: b, url: '${b.origin}/', start: after-failure, ${common} }
  stalling:
    onBreak: restart
    subTasks:
      - { name: a, url: '${a.origin}/', idle: 20ms, ${common} }
      - { name: b, url: '${b.origin}/', start: after-failure, ${common} }
`);
    service = await TestApp.start({ env: { TASKS_FILE: file } });
  });
  afterAll(async () => {
    await service.close();
    await Promise.all([a.close(), b.close()]);
  });

  test('answer with all that the winner brought, and cut the loser off', async () => {
    answers.a = stream([delta('Hel'), delta('lo'), 'data: [DONE]\n\n']);
    answers.b = misbehaviours.slowHeaders;
    const { runId, result, answeredBy } = await service.answer('chat', { input: { q: 'hi' } });
    expect({ result, answeredBy }).toEqual({ result: 'Hello', answeredBy: 'a' });
    await b.deserted();
    await service.finishedRun(runId);
    const won = await service.event(runId, 'sub-task.succeeded', 'a');
    expect(won.data.stream).toMatchObject({ chunks: 2, bytes: 5, tokens: 2 });
    const lost = await service.event(runId, 'sub-task.cancelled', 'b');
    expect(lost.data.stream).toMatchObject({ chunks: 0 });
    expect(a.requests.at(-1)?.body).toBe('{"q":"hi"}');
  });

  test('go on with another sub-task where the first chunk takes too long, whatever is waited for', async () => {
    answers.b = stream([delta('b'), 'data: [DONE]\n\n']);
    for (const answer of [misbehaviours.slowHeaders, streaming(() => undefined)]) {
      answers.a = answer;
      const { runId, answeredBy } = await service.answer('failover');
      expect(answeredBy).toBe('b');
      const failed = await service.event(runId, 'sub-task.failed', 'a');
      expect(failed.data.error.code).toBe('stream-stalled');
      await a.deserted();
    }
  });

  test('go on with another where the stream says at once that it failed', async () => {
    answers.a = stream(['data: {"error":{"message":"overloaded"}}\n\n']);
    answers.b = stream([delta('b'), 'data: [DONE]\n\n']);
    const { runId, result } = await service.answer('stalling');
    expect(result).toBe('b');
    const failed = await service.event(runId, 'sub-task.failed', 'a');
    expect(failed.data.error).toMatchObject({
      code: 'upstream-unfit',
      upstream: { excerpt: '{"error":{"message":"overloaded"}}' },
    });
  });

  test('begin anew with another where a stream stalls that callers were shown', async () => {
    answers.a = streaming(({ send }) => void send(delta('a')));
    answers.b = stream([delta('b'), 'data: [DONE]\n\n']);
    const { runId, result } = await service.answer('stalling');
    expect(result).toBe('b');
    const failed = await service.event(runId, 'sub-task.failed', 'a');
    expect(failed.data).toMatchObject({ error: { code: 'stream-stalled' }, stream: { chunks: 1 } });
    await a.deserted();
  });

  test('don’t win with what wins doesn’t take', async () => {
    const aHasSent = Promise.withResolvers<unknown>();
    answers.a = streaming(({ send }) => void send(delta(' ')).then(aHasSent.resolve));
    answers.b = (request, response) => {
      void aHasSent.promise.then(async () => {
        // As long as a chunk that would win takes to win.
        for (let turn = 0; turn < 100; turn += 1) await nextTurn();
        stream([delta('b'), 'data: [DONE]\n\n'])(request, response);
      });
    };
    const { runId, result, answeredBy } = await service.answer('chat');
    expect({ result, answeredBy }).toEqual({ result: 'b', answeredBy: 'b' });
    const lost = await service.event(runId, 'sub-task.cancelled', 'a');
    expect(lost.data.stream).toEqual({ chunks: 1, bytes: 1, tokens: 1 });
  });
});
