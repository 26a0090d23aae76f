import { once } from 'node:events';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { FACES } from '../../support/faces.js';
import { TestApp } from '../../support/test-app.js';

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const time = expect.stringMatching(RFC_3339);
const race = new ControlledTask('race', { fast: {}, slow: {} });
const chat = new ControlledTask('chat', { fast: { stream: true }, slow: { stream: true } });

describe.each(FACES)('%s: GET /runs/{id}', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, providers: [...race.providers, ...chat.providers] });
  });
  afterAll(() => service.close());

  test('shows what streams had brought when they ended, and whose was shown', async () => {
    const answer = service.answer('chat');
    const { fast, slow } = await chat.all();
    const { runId } = fast.context;
    expect(await service.showRun(runId)).not.toHaveProperty('lead');
    slow.succeed(
      (async function* () {
        yield '';
        fast.succeed(Readable.from(['He', 'llö']));
        await once(slow.context.signal, 'abort');
      })(),
    );
    fast.context.tokens = 2;
    await answer;
    const { lead, subTasks } = await service.finishedRun(runId);
    expect(lead).toEqual({ subTask: 'fast', attempt: 1 });
    expect(subTasks.map(({ stream }) => stream)).toEqual([
      { chunks: 2, bytes: 6, firstChunkMs: expect.any(Number), tokens: 2 },
      { chunks: 1, bytes: 0 },
    ]);
  });

  test('shows a run before its reply, after it and when its last sub-task has ended', async () => {
    const answer = service.http
      .post('/tasks/race/runs')
      .set('X-Request-Id', 'order-7')
      .send({ input: { order: 7 } })
      .then((response) => response);
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    const underWay = {
      status: 'running',
      attempts: 1,
      failures: 0,
      retryAt: null,
      startedAt: time,
      finishedAt: null,
      durationMs: null,
    };
    const beforeReply = {
      id: runId,
      task: 'race',
      status: 'running',
      input: { order: 7 },
      replyPolicy: { policy: 'first-success' },
      losers: 'continue',
      requestId: 'order-7',
      traceparent: null,
      reply: null,
      lastEventId: expect.any(Number),
      createdAt: time,
      repliedAt: null,
      finishedAt: null,
      subTasks: [
        { name: 'fast', ...underWay },
        { name: 'slow', ...underWay },
      ],
    };
    expect(await service.showRun(runId)).toEqual(beforeReply);

    fast.succeed({ price: 3 });
    await answer;
    const won = {
      ...underWay,
      name: 'fast',
      status: 'succeeded',
      finishedAt: time,
      durationMs: expect.any(Number),
      result: { price: 3 },
      answered: true,
    };
    const afterReply = {
      ...beforeReply,
      reply: { answeredBy: 'fast', result: { price: 3 } },
      repliedAt: time,
      subTasks: [won, { name: 'slow', ...underWay }],
    };
    expect(await service.showRun(runId)).toEqual(afterReply);

    slow.fail(new Error('out of stock'));
    const lost = {
      ...won,
      name: 'slow',
      status: 'failed',
      failures: 1,
      error: { code: 'threw', message: 'out of stock' },
    };
    const { result: _, answered: __, ...failed } = lost;
    expect(await service.finishedRun(runId)).toEqual({
      ...afterReply,
      status: 'partly-failed',
      finishedAt: time,
      subTasks: [won, failed],
    });
  });

  test('gives the times of a run in the order in which things happened', async () => {
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed();
    const { runId } = await answer;
    slow.succeed();
    const run = await service.finishedRun(runId);
    const [first, second] = run.subTasks;
    const times = [run.createdAt, first!.startedAt, first!.finishedAt, run.repliedAt, second!.finishedAt];
    expect([...times, run.finishedAt]).toEqual([...times, run.finishedAt].toSorted());
  });

  test('is found by its id in upper case too, at every address of it', async () => {
    const { runId } = await service.answer('demo');
    const run = await service.finishedRun(runId);
    const path = `/runs/${runId.toUpperCase()}`;
    expect((await service.http.get(path).expect(200)).body).toEqual(run);
    const { body } = (await service.http.get(`${path}/events`).expect(200)) as {
      body: { events: unknown[] };
    };
    expect(body.events).toEqual(service.events.filter((event) => event.runId === runId));
    await service.http.post(`${path}/resume`).expect(200);
    for (const command of ['cancel', 'sub-tasks/first/retry'])
      await service.http.post(`${path}/${command}`).expect(409);
  });

  test('shows the result of a sub-task that returned nothing as null', async () => {
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    slow.succeed(undefined);
    fast.succeed(false);
    const run = await service.finishedRun((await answer).runId);
    expect(run.subTasks).toEqual([
      expect.objectContaining({ name: 'fast', result: false }),
      expect.objectContaining({ name: 'slow', result: null, answered: true }),
    ]);
  });

  test('follows a run to its end when the caller hung up before the reply', async () => {
    const hungUp = new Promise((resolve) => {
      service.server.once('request', ({ socket }) => socket.once('end', resolve));
    });
    const call = request(`${service.url}/tasks/race/runs`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    const failed = new Promise((resolve) => call.once('error', resolve));
    call.end('{}');
    const { fast, slow } = await race.all();
    call.destroy();
    await Promise.all([hungUp, failed]);
    expect([fast.context.signal.aborted, slow.context.signal.aborted]).toEqual([false, false]);

    fast.succeed('kept');
    const { data } = await service.event(fast.context.runId, 'run.replied');
    expect(data.reply).toEqual({ answeredBy: 'fast', result: 'kept' });
    slow.succeed('kept as well');
    expect(await service.finishedRun(fast.context.runId)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ result: 'kept' }, { result: 'kept as well' }],
    });
  });
});
