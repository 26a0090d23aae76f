import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { z } from 'zod';
import type { raceTableSchema } from '../../../src/stats/stats.schemas.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { JournalCalls } from '../../support/journal-calls.js';
import { expectProblem } from '../../support/problem.js';
import { tasksFiles } from '../../support/tasks-file.js';
import { TestApp } from '../../support/test-app.js';
import { ToldLog } from '../../support/told-log.js';
import { UpstreamServer } from '../../support/upstreams.js';

type RaceTable = z.output<typeof raceTableSchema>;

async function statsOf(service: Pick<TestApp, 'http'>, task = 'demo'): Promise<RaceTable> {
  const response = await service.http.get(`/tasks/${task}/stats`).expect(200);
  return response.body as RaceTable;
}

/** What counts in a table, without what the clock makes of it. */
const countsOf = ({ window: _window, learntMs: _learntMs, ...counts }: RaceTable) => counts;

describe('GET /tasks/<name>/stats', () => {
  let service: TestApp | undefined;
  afterEach(async () => {
    await service?.close();
    service = undefined;
  });

  test('shows what the runs of a task have shown', async () => {
    const race = new ControlledTask('race', { fast: {}, slow: {} });
    service = await TestApp.start({ providers: race.providers });
    for (const losers of ['continue', 'cancel']) {
      const answer = service.answer('race', { losers });
      const { fast, slow } = await race.all();
      fast.succeed();
      const { runId } = await answer;
      slow.succeed();
      await service.finishedRun(runId);
    }
    const table = await statsOf(service, 'race');
    expect(table).toMatchObject({ task: 'race', runs: 2, replies: 2, errors: 0 });
    const { from, to } = table.window;
    expect(Date.parse(to) - Date.parse(from)).toBeGreaterThanOrEqual(55 * 60_000);
    expect(
      table.subTasks.map(({ name, wins, winShare, starts, cancellations, durationMs, marginMs }) => [
        name,
        [wins, winShare, starts, cancellations],
        [durationMs.count, marginMs.count],
      ]),
    ).toEqual([
      ['fast', [2, 1, 2, 0], [2, 1]],
      ['slow', [0, 0, 2, 1], [1, 0]],
    ]);
    expect(table.replyMs).toMatchObject({ count: 2, p50: expect.any(Number) });
    expect(table.hedging).toMatchObject({ extraStarts: 0, extraStartShare: 0, heldBack: 0, unknownRuns: 0 });
    expect(table.learntMs).toEqual({ p50: null, p90: null, p95: null, p99: null });
  });

  test('shows the first chunks of streams, and what losers had when they were cut', async () => {
    const chat = new ControlledTask('chat', { fast: { stream: true }, slow: { stream: true } });
    service = await TestApp.start({ providers: chat.providers });
    const answer = service.answer('chat');
    const { fast, slow } = await chat.all();
    const { promise: asked, resolve: ask } = Promise.withResolvers();
    slow.context.tokens = 3;
    slow.succeed(
      (async function* () {
        yield '';
        ask(undefined);
        await once(slow.context.signal, 'abort');
      })(),
    );
    await asked;
    fast.succeed(Readable.from(['He', 'llo']));
    const { runId } = await answer;
    await service.finishedRun(runId);
    const { firstChunkMs, subTasks, hedging } = await statsOf(service, 'chat');
    expect(firstChunkMs).toMatchObject({ count: 1, p50: expect.any(Number) });
    const cut = { attempts: 1, chunks: 1, bytes: 0, tokens: 3 };
    expect(subTasks.map(({ stream }) => [stream?.firstChunkMs.count, stream?.cancelled])).toEqual([
      [1, { attempts: 0, chunks: 0, bytes: 0, tokens: 0 }],
      [0, cut],
    ]);
    expect(hedging.cut).toEqual(cut);
  });

  test('shows what a hedge saved, and hedges start by what was learnt of the replies', async () => {
    const read = new ControlledTask(
      'read',
      { first: {}, second: { start: { after: 'p50', coldStart: '24d' } } },
      { hedgeBudget: '100%' },
    );
    service = await TestApp.start({ providers: read.providers });
    for (let n = 0; n < 20; n += 1) {
      const answer = service.answer('read');
      (await read.next('first')).succeed();
      await service.finishedRun((await answer).runId);
    }
    expect((await statsOf(service, 'read')).learntMs.p50).toBeGreaterThan(0);
    const answer = service.answer('read');
    const first = await read.next('first');
    (await read.next('second')).succeed();
    const { runId, answeredBy } = await answer;
    first.succeed();
    await service.finishedRun(runId);
    expect(answeredBy).toBe('second');
    const response = await service.http.get('/tasks/read/stats?step=5m').expect(200);
    const { hedging, series } = response.body as RaceTable;
    expect(hedging).toMatchObject({ extraStarts: 1, unknownRuns: 0, withoutHedgesMs: { count: 21 } });
    const { step, points } = series!;
    const total = (of: (point: (typeof points)[number]) => number) =>
      points.reduce((sum, point) => sum + of(point), 0);
    expect([step, points.length]).toEqual(['5m', 12]);
    expect([total(({ runs }) => runs), total(({ replyMs }) => replyMs.count)]).toEqual([21, 21]);
    expect(total((point) => point.hedging.extraStarts)).toBe(1);
    expect(total((point) => point.hedging.savedMs)).toBe(hedging.savedMs);
    expect((await statsOf(service, 'read')).series).toBeUndefined();
    const refused = await service.http.get('/tasks/read/stats?step=2m');
    await expectProblem(service, refused, 400, 'invalid-request');
  });

  test('shows a task that was never run, and refuses one that there is none of', async () => {
    service = await TestApp.start();
    const never = await statsOf(service);
    expect(never).toMatchObject({ runs: 0, hedging: { extraStartShare: null } });
    expect(never.subTasks.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
    await expectProblem(service, await service.http.get('/tasks/none/stats'), 404, 'task-unknown');
  });
});

describe('what the statistics know', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(async () => {
    await durable.end();
    jest.restoreAllMocks();
  });

  /** Starts where statistics begin, and stops again. */
  async function startOnce(): Promise<void> {
    await durable.start();
    await durable.stop();
  }

  async function runDemo(service: TestApp, times: number): Promise<void> {
    for (let n = 0; n < times; n += 1) await service.finishedRun((await service.answer('demo')).runId);
  }

  test('outlives a restart', async () => {
    const before = await durable.start();
    await runDemo(before, 3);
    const counts = countsOf(await statsOf(before));
    const after = await durable.start();
    expect(countsOf(await statsOf(after))).toEqual(counts);
    await runDemo(after, 1);
    expect(await statsOf(after)).toMatchObject({ runs: 4, replies: 4 });
  });

  test('is made of the log where the service ended before it saved', async () => {
    await startOnce();
    const log = new ToldLog();
    const task = { task: 'demo', subTasks: ['first', 'second', 'third'], at: Date.now() - 60_000 };
    for (let n = 0; n < 98; n += 1) {
      const run = log.run(task).started(0, 'first').succeeded(10, 'first').replied(10.2, 'first');
      run.skipped(10, 'second').skipped(10, 'third').finished(10);
    }
    const hedged = log.run(task).started(0, 'first').hedged(20, 'second').succeeded(22, 'second');
    hedged.replied(22.4, 'second').skipped(22, 'third').succeeded(1_000, 'first').finished(1_000);
    const heldBack = log.run(task).started(0, 'first').heldBack(20, 'second').succeeded(24, 'first');
    heldBack.replied(24.2, 'first').skipped(24, 'second').skipped(24, 'third').finished(24);
    await durable.database.write(
      log.events.map(({ id: _id, time, ...event }) => ({ ...event, agoMs: Date.now() - Date.parse(time) })),
    );
    const service = await durable.start();
    const table = await statsOf(service);
    expect(table).toMatchObject({
      runs: 100,
      replies: 100,
      replyMs: { count: 100, p50: 10.2, p90: 10.2, p99: 22.4 },
      hedging: { extraStarts: 1, extraStartShare: 0.01, heldBack: 1, unknownRuns: 0 },
      learntMs: { p50: 10.2, p90: 10.2, p95: null, p99: null },
    });
    const { withoutHedgesMs } = table.hedging;
    expect(withoutHedgesMs).toMatchObject({ count: 100, p50: 10.2, p99: 24.2 });
    const [first, second] = table.subTasks;
    expect(first).toMatchObject({ wins: 99, winShare: 0.99, starts: 100, extraStarts: 0 });
    expect(second).toMatchObject({ wins: 1, starts: 1, extraStarts: 1, heldBack: 1, skips: 99 });
    expect(second?.marginMs).toMatchObject({ count: 1 });
    expect(second?.marginMs.p50).toBeGreaterThanOrEqual(978);
  });

  test('is of little matter: without it the service starts, runs and stops', async () => {
    await durable.start();
    const calls = new JournalCalls();
    for (const deadly of ['savedStatistics', 'saveStatistics']) {
      calls.deadly = deadly;
      const service = await durable.start();
      await runDemo(service, 1);
      await durable.stop();
    }
    expect(durable.database.flaws()).toEqual([]);
  });
});

describe('a service that is killed', () => {
  const write = tasksFiles();
  let durable: DurableService;
  let upstream: UpstreamServer;
  beforeEach(async () => {
    upstream = await UpstreamServer.start((_request, response) => response.end('yes'));
    durable = new DurableService();
  });
  afterEach(async () => {
    await durable.end();
    await upstream.close();
  });

  test.each(['demo', 'file'])(
    'has all that it counted of the task %s when it is started again',
    async (task) => {
      const subTask = `{ name: a, kind: http, url: "${upstream.origin}/", allowPrivate: true }`;
      const env = { TASKS_FILE: write(`tasks: { file: { subTasks: [${subTask}] } }`) };
      const service = await durable.start([], env);
      for (let n = 0; n < 5; n += 1) await service.finishedRun((await service.answer(task)).runId);
      const counts = countsOf(await statsOf(service, task));
      expect(counts).toMatchObject({ runs: 5, replies: 5, replyMs: { count: 5 } });
      durable.crash();
      const next = await durable.start([], env);
      expect(countsOf(await statsOf(next, task))).toEqual(counts);
    },
  );
});
