import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Subject } from 'rxjs';
import { coalescingOf } from '../core/coalescing.js';
import { newRunId } from '../core/run-id.js';
import type { TaskDefinition } from '../core/task.js';
import { configOf } from '../library/options.js';
import { createCore, type Core } from '../testing/core.js';
import { FakeClock } from '../testing/fake-clock.js';
import { defineSubTask } from './sub-task-declaration.js';
import { defineTask } from './task-declaration.js';
import type { TaskRegistry } from './task-registry.js';

const LEASE_MS = 30_000;

describe('the key of equal requests', () => {
  let clock: FakeClock;
  let core: Core;
  let attempts: PromiseWithResolvers<unknown>[];
  beforeEach(() => {
    attempts = [];
    clock = new FakeClock();
    const registry = { get: () => task, find: () => task, all: () => [task], replaced: new Subject<void>() };
    core = createCore(configOf({ database: 'memory:' }), registry as unknown as TaskRegistry, { clock });
  });
  afterEach(() => core.settle());

  const run = () => {
    const attempt = Promise.withResolvers<unknown>();
    attempts.push(attempt);
    return attempt.promise;
  };
  const subTask = defineSubTask({ name: 'only', timeout: '1h' }, { run }, 'Only');
  const declared = defineTask(
    { name: 'task', subTasks: [{ subTask, start: 'at-once' }], coalesce: { for: '10s' } },
    'Task',
    (listed: typeof subTask) => listed,
  );
  const task: TaskDefinition = { ...declared, coalescing: coalescingOf({ for: '10s' }, undefined) };

  const start = async () => {
    const started = await core.tasks.start('task');
    await core.settle();
    return started.runId;
  };
  const notes = async () =>
    (await core.journal.notes.all('coalesce')).map(({ name, text, until }) => ({
      name,
      text,
      forMs: until - clock.now(),
    }));
  const advance = (ms: number) => clock.advance(ms, core.settle);

  test('is kept as long as the run has no reply, and then for the rest of its time', async () => {
    const runId = await start();
    expect(await notes()).toMatchObject([{ text: runId, forMs: LEASE_MS }]);
    await advance(100_000);
    const [extended] = await notes();
    expect(extended).toMatchObject({ text: runId });
    expect(extended?.forMs).toBeGreaterThanOrEqual(LEASE_MS / 2);
    attempts[0]?.resolve('done');
    await core.settle();
    expect(await notes()).toEqual([]);
  });

  test('is kept until the end of the time that its task says, where the reply comes before', async () => {
    const runId = await start();
    await advance(1_000);
    attempts[0]?.resolve('done');
    await core.settle();
    expect(await notes()).toMatchObject([{ text: runId, forMs: 9_000 }]);
    expect(await start()).toBe(runId);
    await advance(9_000);
    expect(await start()).not.toBe(runId);
  });

  test('is free at once when its run fails', async () => {
    await start();
    attempts[0]?.reject(new Error('down'));
    await core.settle();
    expect(await notes()).toEqual([]);
  });

  test('is free when its run can’t be started', async () => {
    await core.runs.stop();
    await expect(start()).rejects.toMatchObject({ code: 'stopping' });
    await core.settle();
    expect(await notes()).toEqual([]);
  });

  /** The name of the key, whose run has ended. */
  const freed = async () => {
    await start();
    const name = (await notes())[0]?.name ?? '';
    attempts[0]?.reject(new Error('down'));
    await core.settle();
    return name;
  };

  test('is given up by a node that died before its run was recorded', async () => {
    const lost = { kind: 'coalesce', name: await freed(), text: newRunId(), until: clock.now() + LEASE_MS };
    await core.journal.notes.put(lost);
    const started = start();
    await core.settle();
    await advance(1_900);
    expect(attempts).toHaveLength(1);
    await advance(200);
    expect(attempts).toHaveLength(2);
    expect(await started).not.toBe(lost.text);
  });

  test('is that of a run that another node is about to record', async () => {
    const name = await freed();
    const elsewhere = await core.tasks.start('task', {}, {}, { client: '', key: 'one of its own' });
    await core.settle();
    await core.journal.notes.put({
      kind: 'coalesce',
      name,
      text: elsewhere.runId,
      until: clock.now() + LEASE_MS,
    });
    expect(await start()).toBe(elsewhere.runId);
    expect(attempts).toHaveLength(2);
  });

  test('is not that of a run that has its reply for longer than its task says', async () => {
    const name = await freed();
    const elsewhere = await core.tasks.start('task', {}, {}, { client: '', key: 'one of its own' });
    await core.settle();
    attempts[1]?.resolve('done');
    await core.settle();
    const put = () =>
      core.journal.notes.put({
        kind: 'coalesce',
        name,
        text: elsewhere.runId,
        until: clock.now() + LEASE_MS,
      });
    await put();
    expect(await start()).toBe(elsewhere.runId);
    await advance(10_000);
    await put();
    expect(await start()).not.toBe(elsewhere.runId);
  });

  test('is forgotten where there are more than ten thousand, those first that were first', async () => {
    const ids: string[] = [];
    for (let input = 0; input <= 10_000; input += 1) {
      const { runId } = await core.tasks.start('task', { input });
      ids.push(runId);
      attempts.pop()?.resolve('done');
      if (input % 100 === 0) await core.settle();
    }
    await core.settle();
    const again = async (input: number) => (await core.tasks.start('task', { input })).runId === ids[input];
    expect(await again(10_000)).toBe(true);
    expect(await again(1)).toBe(true);
    expect(await again(0)).toBe(false);
  });
});
