import { describe, expect, test } from '@jest/globals';
import { recordedSubTask, recordOf } from '../../test/support/recorded-run.js';
import { definition } from '../../test/support/statistics.js';
import { Ends, type Guess } from './ends.js';
import type { End, RecordedSubTask } from './recorded-run.js';

const TIMEOUT_MS = 5_000;
const task = { subTasks: definition().subTasks.map((each) => ({ ...each, timeoutMs: TIMEOUT_MS })) };
const FAILURE = { data: { error: { code: 'threw' } } } as NonNullable<End['failure']>;

describe('how a sub-task would have ended that was cut off', () => {
  /** What is taken for it, where all of these are on record too. */
  const guessed = (
    how: Guess,
    cut: Partial<RecordedSubTask>,
    ...others: readonly Partial<RecordedSubTask>[]
  ) => {
    const subTask = recordedSubTask('a', cut);
    const run = recordOf([subTask]);
    const runs = others.map((other, index) => recordOf([recordedSubTask('a', other)], { id: `${index}` }));
    const { ms, failure } = new Ends(task, [...runs, run]).guessed(how)(run, subTask);
    return { ms, failed: failure !== undefined };
  };
  const answered = (ms: number) => ({ end: { ms } });

  test('is drawn from what began, and times out where nothing of that has ended', () => {
    const never = { began: false };
    const refused = { began: false, end: { ms: 1, failure: FAILURE } };
    expect(guessed('drawn', never, answered(20))).toEqual({ ms: 20, failed: false });
    expect(guessed('drawn', never, { end: { ms: 30, failure: FAILURE } })).toEqual({ ms: 30, failed: true });
    expect(guessed('drawn', never, refused)).toEqual({ ms: TIMEOUT_MS, failed: true });
    expect(guessed('soonest', never, refused)).toEqual({ ms: TIMEOUT_MS, failed: true });
  });

  test('is never sooner than it was cut off', () => {
    const cut = { cutMs: 50 };
    expect(guessed('soonest', cut, answered(20), answered(70))).toEqual({ ms: 50, failed: false });
    expect(guessed('drawn', cut, answered(20), answered(70))).toEqual({ ms: 70, failed: false });
    expect(guessed('latest', cut, answered(20))).toEqual({ ms: TIMEOUT_MS, failed: true });
    const late = { cutMs: TIMEOUT_MS + 2_000 };
    for (const how of ['latest', 'drawn'] as const)
      expect(guessed(how, late, answered(20))).toEqual({ ms: late.cutMs, failed: true });
  });
});
