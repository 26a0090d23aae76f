import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { createRuntime } from '../../test/support/runtime.js';
import type { RunEvent } from '../core/events.js';
import type { StartRule } from '../core/start-rule.js';
import type { RunRequest } from '../tasks/tasks.schemas.js';

type Runtime = ReturnType<typeof createRuntime>;

const after = (ms: number): StartRule => ({ after: `${ms}ms` });

/** What a sub-task has brought `ms` after it began. */
const succeeds = (ms: number, result = 'done') => new Promise((resolve) => setTimeout(resolve, ms, result));
const fails = (ms: number) => new Promise((_resolve, reject) => setTimeout(reject, ms, new Error('failed')));

function startsOf({ events }: Runtime): unknown[] {
  return events.flatMap((event) => (event.type === 'sub-task.started' ? [[event.subTask, event.data]] : []));
}

function heldBack({ events }: Runtime): unknown[] {
  return events.flatMap((event) =>
    event.type === 'sub-task.held-back' ? [[event.subTask, event.attempt, event.data]] : [],
  );
}

/** Lets the run not know what is committed of it. @returns what tells it */
function holdCommits({ runs, events }: Runtime): () => void {
  const run = runs.get(events[0]!.runId)!;
  const uncommitted: RunEvent[] = [];
  const told = jest.spyOn(run, 'committed').mockImplementation((event) => void uncommitted.push(event));
  return () => {
    told.mockRestore();
    for (const event of uncommitted) run.committed(event);
  };
}

/** Starts a run; what it is told is of no interest. */
const begin = (runtime: Runtime, request?: RunRequest) =>
  runtime.run(request).catch((error: unknown) => error);

describe('a sub-task with a start rule', () => {
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  test('is skipped without being part of the background when the first brings the reply before its time', async () => {
    const runtime = createRuntime([
      { name: 'a', run: () => succeeds(10) },
      { name: 'b', start: { after: '24d' }, run: () => succeeds(10) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(10);
    expect(await answer).toMatchObject({ status: 'succeeded', answeredBy: 'a', background: [] });
    expect(runtime.events.slice(-3)).toMatchObject([
      { type: 'run.replied', data: { durationMs: 10, status: 'succeeded', background: [] } },
      { type: 'sub-task.skipped', subTask: 'b', attempt: 0, data: { reason: 'not needed after the reply' } },
      { type: 'run.finished', data: { status: 'succeeded' } },
    ]);
  });

  test('says with its first attempt alone why it started', async () => {
    const runtime = createRuntime([
      { name: 'a', run: () => succeeds(500) },
      {
        name: 'b',
        start: { after: 'p99.5', coldStart: '40ms' },
        retry: { attempts: 2, delay: 0 },
        run: (_input, { attempt }) => (attempt === 1 ? fails(5) : succeeds(5)),
      },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(600);
    expect(await answer).toMatchObject({ answeredBy: 'b' });
    expect(startsOf(runtime)).toEqual([
      ['a', {}],
      ['b', { trigger: 'delay', delayMs: 40 }],
      ['b', {}],
    ]);
  });

  test('asks the statistics of its task for the quantile, once a run', async () => {
    const replyTime = jest.fn((_task: string, _quantile: number) => 25);
    const subTasks = [
      { name: 'a', run: () => succeeds(100) },
      { name: 'b', start: { after: 'p95' } as const, run: () => succeeds(100) },
    ];
    const runtime = createRuntime(subTasks, {}, { replyTime });
    void begin(runtime);
    await jest.advanceTimersByTimeAsync(200);
    expect(startsOf(runtime)).toContainEqual(['b', { trigger: 'delay', delayMs: 25 }]);
    expect(replyTime.mock.calls).toEqual([['task', 0.95]]);
  });

  test('is held back once, with those behind it, when the hedge budget is spent, and starts with a failure still', async () => {
    const runtime = createRuntime(
      [
        { name: 'a', run: () => fails(100) },
        { name: 'b', start: after(10), run: () => fails(100) },
        { name: 'c', start: after(20), run: () => succeeds(100) },
      ],
      {},
      { hedgeBudget: 0.1 },
    );
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(300);
    expect(await answer).toMatchObject({ answeredBy: 'c' });
    expect(heldBack(runtime)).toEqual([
      ['b', 0, { delayMs: 10, hedgeBudget: 0.1 }],
      ['c', 0, { delayMs: 20, hedgeBudget: 0.1 }],
    ]);
    expect(startsOf(runtime)).toEqual([
      ['a', {}],
      ['b', { trigger: 'failure' }],
      ['c', { trigger: 'failure' }],
    ]);
    const run = await runtime.journal.run(runtime.events[0]!.runId);
    expect(run?.subTasks).toMatchObject([
      { trigger: undefined, heldBack: undefined },
      { trigger: 'failure', heldBack: true },
      { trigger: 'failure', heldBack: true },
    ]);
  });

  test('has a budget over all runs of the task, of which starts by failure or need take nothing', async () => {
    const runtime = createRuntime(
      [
        { name: 'a', run: (input) => (input === 'fail' ? fails(1) : succeeds(100)) },
        { name: 'b', start: after(10), run: () => succeeds(100) },
      ],
      {},
      { hedgeBudget: 0.25 },
    );
    const triggers: unknown[] = [];
    for (const request of [{ input: 'fail' }, { reply: { policy: 'all' } }, {}, {}, {}] as const) {
      const before = runtime.events.length;
      void begin(runtime, request);
      await jest.advanceTimersByTimeAsync(500);
      const started = runtime.events
        .slice(before)
        .find(
          (event): event is RunEvent<'sub-task.started'> =>
            'subTask' in event && event.subTask === 'b' && event.type === 'sub-task.started',
        );
      triggers.push(started?.data.trigger);
    }
    expect(triggers).toEqual(['failure', 'need', undefined, 'delay', undefined]);
  });

  test('does not start while an outcome that may be the reply waits for its commit', async () => {
    const runtime = createRuntime([
      { name: 'a', run: () => succeeds(10) },
      { name: 'b', start: after(20), run: () => succeeds(10) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(5);
    const commit = holdCommits(runtime);
    await jest.advanceTimersByTimeAsync(50);
    commit();
    expect(await answer).toMatchObject({ answeredBy: 'a' });
    await jest.advanceTimersByTimeAsync(50);
    expect(startsOf(runtime)).toEqual([['a', {}]]);
  });

  test('starts after all when the outcome that was waited for is no reply', async () => {
    const runtime = createRuntime([
      { name: 'a', run: () => fails(10) },
      { name: 'b', start: after(20), run: () => succeeds(10) },
      { name: 'c', start: after(20), run: () => succeeds(30) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(5);
    const commit = holdCommits(runtime);
    await jest.advanceTimersByTimeAsync(50);
    commit();
    await jest.advanceTimersByTimeAsync(50);
    expect(await answer).toMatchObject({ answeredBy: 'b' });
    expect(startsOf(runtime).slice(1)).toEqual([
      ['b', { trigger: 'failure' }],
      ['c', { trigger: 'delay', delayMs: 20 }],
    ]);
  });

  test('is skipped, and starts no more, when its run is cancelled', async () => {
    const runtime = createRuntime([
      { name: 'a', run: () => succeeds(100) },
      { name: 'b', start: after(50), run: () => succeeds(100) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(10);
    const { runId } = runtime.events[0]!;
    await runtime.control.cancel(runId);
    expect(await answer).toMatchObject({ code: 'run-cancelled' });
    await jest.advanceTimersByTimeAsync(100);
    expect(await runtime.journal.run(runId)).toMatchObject({
      status: 'cancelled',
      subTasks: [
        { status: 'cancelled', reason: 'cancelled on request' },
        { status: 'skipped', reason: 'cancelled on request', attempts: 0 },
      ],
    });
  });

  test('is skipped by a stop where nothing outlives the process, and leaves no timer', async () => {
    const runtime = createRuntime(
      [
        { name: 'a', run: () => new Promise(() => undefined) },
        { name: 'b', start: { after: '1h' }, run: () => 'b' },
      ],
      { SHUTDOWN_GRACE: '1s' },
    );
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(10);
    const stopped = runtime.tasks.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    await stopped;
    expect(await answer).toMatchObject({ code: 'run-cancelled' });
    const run = await runtime.journal.run(runtime.events[0]!.runId);
    expect(run?.subTasks[1]).toMatchObject({ status: 'skipped', reason: 'the service stopped' });
  });

  test.each([{ policy: 'first-settled' } as const, { policy: 'primary', primary: 'a' } as const])(
    'that was skipped has no say when a failure is retried on request, under $policy',
    async (reply) => {
      let attempts = 0;
      const runtime = createRuntime([
        { name: 'a', run: () => (++attempts < 3 ? fails(10) : succeeds(10)) },
        { name: 'b', start: 'after-failure', run: () => succeeds(10) },
      ]);
      void begin(runtime, { reply });
      await jest.advanceTimersByTimeAsync(20);
      const { runId } = runtime.events[0]!;
      const statuses: unknown[] = [];
      for (let n = 0; n < 2; n += 1) {
        await runtime.control.retry(runId, 'a');
        await jest.advanceTimersByTimeAsync(20);
        const run = await runtime.journal.run(runId);
        statuses.push([run?.status, run?.subTasks[1]?.status]);
      }
      expect(statuses).toEqual([
        ['failed', 'skipped'],
        ['succeeded', 'skipped'],
      ]);
      const replied = runtime.events.filter((event) => event.type === 'run.replied');
      expect(replied.map(({ data }) => data.durationMs)).toEqual([10, undefined, undefined]);
    },
  );

  test('that failed and is retried on request starts at once, and counts as under way', async () => {
    let attempts = 0;
    const runtime = createRuntime([
      { name: 'a', run: () => (++attempts === 1 ? fails(10) : succeeds(100)) },
      { name: 'b', start: 'after-failure', run: () => succeeds(300) },
      { name: 'c', start: 'after-failure', run: () => succeeds(10) },
    ]);
    const answer = begin(runtime);
    await jest.advanceTimersByTimeAsync(20);
    await runtime.control.retry(runtime.events[0]!.runId, 'a');
    await jest.advanceTimersByTimeAsync(500);
    expect(await answer).toMatchObject({ answeredBy: 'a' });
    expect(startsOf(runtime)).toEqual([
      ['a', {}],
      ['b', { trigger: 'failure' }],
      ['a', {}],
    ]);
  });
});
