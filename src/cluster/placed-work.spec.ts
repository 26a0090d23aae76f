import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Runs } from '../run/runs.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import type { ClusterStore } from './cluster-store.js';
import { PlacedWork } from './placed-work.js';

describe('a node that executes a sub-task of another node', () => {
  const event = (id: number, type: RunEvent['type'], rest: object = {}) =>
    ({ id, type, time: '2026-01-01T00:00:00.000Z', runId: 'r1', task: 'task', ...rest }) as RunEvent;
  const failed = (id: number, attempt: number) =>
    event(id, 'sub-task.failed', {
      ...{ subTask: 'a', attempt },
      data: { error: { code: 'threw', message: 'no' }, durationMs: 1 },
    });

  test('goes on until that has an outcome, though it hears only then of the one before a retry', async () => {
    const terms = {
      input: null,
      replyPolicy: { policy: 'first-success' },
      losers: 'continue',
      subTasks: ['a'],
    };
    const before = [
      event(1, 'run.started', { data: terms }),
      failed(2, 1),
      event(3, 'run.finished', { data: { status: 'failed' } }),
    ];
    const reopened = event(4, 'run.reopened', { data: {} });
    const texts = [...before, reopened].map((one) => JSON.stringify(one));
    const bus = new EventBus(new EventEmitter2());
    const guest = { begin: jest.fn(), leave: jest.fn() };
    const log = { runs: () => Promise.resolve(new Map([['r1', { texts, commits: [1] }]])) };
    const work = new PlacedWork(
      { sharing: { nodeId: 'n1', paused: new Set() }, store: { log } } as unknown as PostgresJournal,
      { takeOn: (_node: string, jobs: object[]) => Promise.resolve(jobs) } as unknown as ClusterStore,
      bus,
      { freeSlots: 10, takeOn: () => guest } as unknown as Runs,
      { find: () => ({ subTasks: [{ name: 'a' }] }) } as unknown as TaskRegistry,
      { termsOf: () => Promise.resolve({}) } as unknown as RecordedRuns,
    );
    await work.take([{ runId: 'r1', task: 'task', subTask: 'a', worker: false }]);
    expect(guest.begin).toHaveBeenCalledTimes(1);
    const show = async (shown: RunEvent): Promise<void> => {
      bus.publishLog([shown]);
      await nextTurn();
    };
    await show(failed(2, 1));
    expect(guest.leave).not.toHaveBeenCalled();
    await show(failed(5, 2));
    expect(guest.leave).toHaveBeenCalledTimes(1);
  });
});

describe('a node that a sub-task is delivered to which only another node knows', () => {
  let calls: unknown[];
  let idle: boolean | undefined;
  let work: PlacedWork;
  beforeEach(() => {
    jest.useFakeTimers();
    idle = undefined;
    calls = [];
    const queue = {
      rest: () => calls.push('rest'),
      send: (jobs: { subTask: string; delayMs: number }[]) =>
        calls.push(...jobs.map(({ subTask, delayMs }) => `${subTask} in ${delayMs} ms`)),
    };
    const known = (names: readonly string[]) =>
      Promise.resolve(new Map(idle === undefined ? [] : names.map((name) => [name, idle])));
    work = new PlacedWork(
      { queue, sharing: { paused: new Set() } } as unknown as PostgresJournal,
      { known } as unknown as ClusterStore,
      new EventBus(new EventEmitter2()),
      { freeSlots: 10 } as Runs,
      { find: () => undefined } as unknown as TaskRegistry,
      {} as RecordedRuns,
    );
    work.onRested = () => calls.push('rested');
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  const take = () => work.take([{ runId: 'r1', task: 'newer', subTask: 'a', worker: false }]);

  test('takes nothing for a moment and passes it on at once: else it might get it again and again', async () => {
    idle = true;
    await take();
    expect(calls).toEqual(['rest', 'a in 0 ms']);
    expect(work.isResting).toBe(true);
    await jest.advanceTimersByTimeAsync(100);
    expect(calls.at(-1)).toBe('rested');
  });

  test('goes on, and passes it on a little later, while that node has no slot free', async () => {
    idle = false;
    await take();
    expect(calls).toEqual(['a in 500 ms']);
    expect(work.isResting).toBe(false);
  });

  test('drops it when no node knows it: one that does sends it again when it starts', async () => {
    await take();
    expect(calls).toEqual([]);
  });
});
