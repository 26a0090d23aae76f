import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventBus } from '../events/event-bus.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Runs } from '../run/runs.js';
import type { RecordedRuns } from '../tasks/recorded-runs.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import type { ClusterStore } from './cluster-store.js';
import { PlacedWork } from './placed-work.js';

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
      { queue, paused: new Set() } as unknown as PostgresJournal,
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
