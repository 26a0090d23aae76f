import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { useFakeClock } from '../../test/support/fake-clock.js';
import { definition } from '../../test/support/statistics.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory/memory-journal.js';
import type { TaskDefinition } from '../core/task.js';
import { WhatIfs } from './what-ifs.js';

const task: TaskDefinition = { ...definition(), starts: ['at-once', { after: '100ms' }] };

describe('questions about other rules', () => {
  let journal: MemoryJournal;
  let whatIfs: WhatIfs;
  /** Each reads the runs once. */
  let reads: jest.SpiedFunction<MemoryJournal['runs']>;
  beforeEach(() => {
    useFakeClock(1_800_000_000_000);
    journal = new MemoryJournal(new EventBus(new EventEmitter2()), 1);
    whatIfs = new WhatIfs(journal);
    reads = jest.spyOn(journal, 'runs');
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const ask = (start = 'p90', of = task, more: { hedgeBudget?: number; runs?: number } = {}) =>
    whatIfs.answer(of, { start, hedgeBudget: 1, runs: 10, ...more });
  const rules = (count: number) => Array.from({ length: count }, (_, n) => `${n}ms`);

  test('have the same answer for ten seconds', async () => {
    const answer = await ask();
    jest.advanceTimersByTime(9_999);
    expect(await ask()).toBe(answer);
    jest.advanceTimersByTime(1);
    expect(await ask()).not.toBe(answer);
    expect(reads).toHaveBeenCalledTimes(2);
  });

  test('have answers of their own where anything about them is another, also the declaration of the task', async () => {
    for (const [start, of, more] of [
      ['p90', task, {}],
      ['p50', task, {}],
      ['p90', task, { hedgeBudget: 0.05 }],
      ['p90', task, { runs: 11 }],
      ['p90', { ...task, name: 'other' }, {}],
      ['p90', { ...task }, {}],
    ] as const) {
      reads.mockClear();
      await ask(start, of, more);
      expect(reads).toHaveBeenCalledTimes(1);
    }
  });

  test('have sixteen answers kept, the newest', async () => {
    for (const start of rules(17)) await ask(start);
    reads.mockClear();
    for (const start of rules(17).slice(1)) await ask(start);
    expect(reads).not.toHaveBeenCalled();
    await ask('0ms');
    expect(reads).toHaveBeenCalledTimes(1);
  });

  test('that couldn’t be answered are asked again, and keep no other from its answer', async () => {
    reads.mockRejectedValueOnce(new Error('away'));
    const [failed, other] = [ask('p50'), ask('p60')];
    await expect(failed).rejects.toThrow('away');
    expect(await other).toMatchObject({ rule: { start: 'p60' } });
    expect(await ask('p50')).toMatchObject({ rule: { start: 'p50' } });
  });

  test('are answered one at a time, and four wait for that; the same one waits with them', async () => {
    const gate = Promise.withResolvers<undefined>();
    reads.mockImplementationOnce(async (query) => {
      await gate.promise;
      return MemoryJournal.prototype.runs.call(journal, query);
    });
    const asked = rules(5).map((start) => ask(start));
    await new Promise((resolve) => setImmediate(resolve));
    expect(reads).toHaveBeenCalledTimes(1);
    expect(() => ask('5ms')).toThrow(expect.objectContaining({ code: 'overloaded' }));
    asked.push(ask('4ms'));
    gate.resolve(undefined);
    const answers = await Promise.all(asked);
    expect(answers.map(({ rule }) => rule.start)).toEqual([...rules(5), '4ms']);
    expect(reads).toHaveBeenCalledTimes(5);
    expect(await ask('5ms')).toMatchObject({ rule: { start: '5ms' } });
  });
});
