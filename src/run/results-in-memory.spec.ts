import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { PastRun } from '../../test/support/past-run.js';
import { createRuntime } from '../../test/support/runtime.js';
import { MemoryBudget } from '../core/memory-budget.js';

/** Takes 200,024 bytes in memory. */
const LARGE = 'x'.repeat(100_000);
/** What runs take besides. */
const LITTLE = 20_000;
const never = () => new Promise(() => undefined);

describe('a result', () => {
  let memory: MemoryBudget;
  beforeEach(() => {
    useFakeClock();
    memory = new MemoryBudget(2 ** 20);
  });
  afterEach(() => void jest.useRealTimers());

  const runtimeOf = (...subTasks: Parameters<typeof createRuntime>[0]) =>
    createRuntime(subTasks, {}, { memory });

  test('leaves memory once it is committed and replied, and is read from the journal after that', async () => {
    const gate = Promise.withResolvers();
    const { tasks, watch, runs, journal } = runtimeOf(
      { name: 'a', run: () => LARGE },
      { name: 'b', run: () => gate.promise },
    );
    const started = await tasks.start('task');
    const answer = await tasks.reply(started);
    expect(answer).toMatchObject({ result: LARGE, answeredBy: 'a', background: ['b'] });
    await journal.drain();
    expect(memory.used).toBeLessThan(LITTLE);
    expect(runs.get(started.runId)?.record).toBeUndefined();
    const shown = await watch.get(started.runId);
    expect(shown).toMatchObject({ status: 'running', decision: { reply: { result: LARGE } } });
    expect(shown.subTasks).toMatchObject([{ result: LARGE }, { status: 'running' }]);
    expect(await tasks.reply(started)).toEqual(answer);
    gate.resolve(LARGE);
    await nextTurn();
    expect(runs.get(started.runId)).toBeUndefined();
    expect(memory.used).toBe(0);
  });

  test('of the background leaves memory as soon as it is committed', async () => {
    const gate = Promise.withResolvers();
    const runtime = runtimeOf(
      { name: 'a', run: () => 'small' },
      { name: 'b', run: () => gate.promise },
      { name: 'c', run: never },
    );
    const { runId } = await runtime.run();
    gate.resolve(LARGE);
    await nextTurn();
    expect(memory.used).toBeLessThan(LITTLE);
    expect((await runtime.watch.get(runId)).subTasks[1]).toMatchObject({ result: LARGE });
  });

  test('stays in memory until the reply that it is part of, and counts so long', async () => {
    const gate = Promise.withResolvers();
    const runtime = runtimeOf(
      { name: 'a', run: () => LARGE },
      { name: 'b', run: () => gate.promise },
      { name: 'c', run: never },
    );
    const reply = { policy: 'quorum', quorum: 2 } as const;
    const answer = runtime.run({ reply });
    await nextTurn();
    expect(memory.used).toBeGreaterThan(200_000);
    gate.resolve('b');
    expect((await answer).result).toEqual({ a: LARGE, b: 'b' });
    await runtime.journal.drain();
    expect(memory.used).toBeLessThan(LITTLE);
  });

  test('of which the policy makes no reply leaves memory before there is one', async () => {
    const runtime = runtimeOf({ name: 'a', run: () => LARGE }, { name: 'b', run: never });
    const { runId } = await runtime.tasks.start('task', { reply: { policy: 'primary', primary: 'b' } });
    await nextTurn();
    expect(memory.used).toBeLessThan(LITTLE);
    expect((await runtime.watch.get(runId)).subTasks[0]).toMatchObject({ result: LARGE });
  });

  test('stays while a retry may still make it part of a reply', async () => {
    let failures = 1;
    const runtime = runtimeOf(
      { name: 'a', run: () => LARGE },
      { name: 'b', run: () => (failures-- > 0 ? Promise.reject(new Error('no')) : 'b') },
      { name: 'c', run: never },
    );
    const reply = { policy: 'quorum', quorum: 3 } as const;
    await expect(runtime.run({ reply })).rejects.toMatchObject({ code: 'run-failed' });
    const { runId } = runtime.events[0]!;
    expect(memory.used).toBeGreaterThan(200_000);
    await runtime.control.retry(runId, 'b');
    await nextTurn();
    expect((await runtime.watch.get(runId)).subTasks).toMatchObject([
      { result: LARGE },
      { result: 'b' },
      { status: 'running' },
    ]);
    expect(runtime.runs.get(runId)?.record?.outcomes).toHaveLength(2);
  });

  test('of an earlier process that was replied takes no memory in this one', async () => {
    const runtime = runtimeOf({ name: 'a', run: never }, { name: 'b', run: never });
    const past = new PastRun('task', ['a', 'b']).started('a', 'b').succeeded('a', LARGE).replied('a', LARGE);
    await runtime.resume(past);
    expect(memory.used).toBeLessThan(LITTLE);
    expect(JSON.stringify(runtime.runs.get(past.id)?.terms)).not.toContain('xxx');
  });

  test('that is small stays, so that reads of its run ask no journal', async () => {
    const runtime = runtimeOf({ name: 'a', run: () => 'small' }, { name: 'b', run: never });
    const { runId } = await runtime.run();
    await runtime.journal.drain();
    expect(runtime.runs.get(runId)?.record).toMatchObject({ decision: { reply: { result: 'small' } } });
  });

  test('refuses new runs while half of the memory that is allowed is taken', async () => {
    const gate = Promise.withResolvers();
    const runtime = runtimeOf({ name: 'a', run: () => LARGE }, { name: 'b', run: () => gate.promise });
    const reply = { policy: 'all' } as const;
    const accepted = [1, 2, 3].map(() => runtime.run({ reply }));
    await nextTurn();
    await expect(runtime.run({ reply })).rejects.toMatchObject({ code: 'overloaded' });
    gate.resolve('b');
    await Promise.all(accepted);
    await runtime.journal.drain();
    await expect(runtime.run({ reply })).resolves.toMatchObject({ status: 'succeeded' });
    expect(memory.used).toBe(0);
  });
});
