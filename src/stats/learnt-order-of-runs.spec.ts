import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { definition, statisticsOf } from '../../test/support/statistics.js';
import { ToldLog, type ToldRun } from '../../test/support/told-log.js';
import { MOST_RECENT } from './recent-ends.js';
import { SLICE_MS } from './sliding-window.js';
import type { TaskStatistics } from './task-statistics.js';

const NOON = Date.UTC(2026, 0, 1, 12);
const TASK = definition(undefined, ['a', 'b'], { order: 'learned' });

describe('the order that TaskStatistics learns', () => {
  let statistics: TaskStatistics;
  let log: ToldLog;
  let task: typeof TASK;
  beforeEach(() => {
    jest.useFakeTimers({ now: NOON });
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    task = TASK;
    statistics = statisticsOf(task);
    log = new ToldLog();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  const both = (at = NOON) => log.run({ at }).started(0, 'a').started(0, 'b');
  const tell = (count: number, run: (begun: ToldRun) => ToldRun, at = NOON) => {
    for (let n = 0; n < count; n += 1) run(both(at)).finished(500);
  };
  /** In which `a` takes so long, and `b`. */
  const answers = (count: number, a: number, b: number, at = NOON) => {
    tell(count, (run) => run.succeeded(a, 'a').succeeded(b, 'b'), at);
  };
  const learnt = () => {
    statistics.count(log.events);
    jest.advanceTimersByTime(1_000);
    return statistics.learntOrder(task);
  };

  test('is the declared one at first, and says of which the least is known', () => {
    expect(learnt()).toEqual({ order: ['a', 'b'], leastKnown: ['a', 'b'], allKnown: false });
    tell(1, (run) => run.succeeded(5, 'a'));
    log.run({ at: NOON }).started(0, 'a').succeeded(5, 'a').finished(5);
    expect(learnt().leastKnown).toEqual(['b', 'a']);
  });

  test('is that of their times', () => {
    answers(3, 50, 10);
    expect(learnt()).toEqual({ order: ['b', 'a'], leastKnown: ['a', 'b'], allKnown: true });
  });

  test('takes what is cancelled for slower than it had been: one that always loses does not look healthy', () => {
    answers(3, 4, 8);
    expect(learnt().order).toEqual(['a', 'b']);
    tell(90, (run) => run.succeeded(8, 'b').cancelled(8, 'a'));
    expect(learnt().order).toEqual(['b', 'a']);
  });

  test('takes failures for no answers, but not those that are the caller’s own', () => {
    tell(10, (run) => run.succeeded(9, 'a').failed(1, 'b'));
    expect(learnt().order).toEqual(['a', 'b']);
    statistics = statisticsOf(task);
    log = new ToldLog();
    answers(10, 9, 1);
    tell(90, (run) => run.failed(0.5, 'b').succeeded(9, 'a'));
    for (const event of log.events) {
      if (event.type === 'sub-task.failed')
        Object.assign(event.data, { error: { ...event.data.error, final: true } });
    }
    expect(learnt().order).toEqual(['b', 'a']);
  });

  test('leaves out what a breaker held back, and shadows', () => {
    answers(10, 9, 1);
    tell(90, (run) => run.succeeded(9, 'a').failed(1, 'b'));
    for (const event of log.events)
      if (event.type === 'sub-task.failed')
        Object.assign(event.data, { error: { ...event.data.error, code: 'circuit-open' } });
    expect(learnt().order).toEqual(['b', 'a']);
    task = definition(undefined, ['a', 'b'], { order: 'learned', shadows: new Map([['b', {}]]) as never });
    expect(learnt()).toEqual({ order: ['a'], leastKnown: ['a'], allKnown: true });
  });

  test('takes those that are under way for slower than they have been so far', () => {
    answers(20, 9, 20);
    expect(learnt().order).toEqual(['a', 'b']);
    jest.setSystemTime(NOON);
    for (let n = 0; n < 20; n += 1) log.run({ at: NOON }).started(0, 'a');
    statistics.count(log.events);
    jest.setSystemTime(NOON + 5_000);
    expect(learnt().order).toEqual(['b', 'a']);
    statistics.leaveRuns();
    expect(learnt().order).toEqual(['a', 'b']);
  });

  test('goes by the first chunks of streams, also of those that were cut behind them, and not by what still streams', () => {
    task = definition(undefined, ['a', 'b'], { order: 'learned', streams: true });
    statistics = statisticsOf(task);
    const had = (firstChunkMs: number) => ({ chunks: 1, bytes: 1, firstChunkMs });
    tell(5, (run) => run.succeeded(15, 'a', 1, had(10)).cancelled(20, 'b', had(2)));
    for (let n = 0; n < 50; n += 1) log.run({ at: NOON }).started(0, 'b');
    expect(learnt().order).toEqual(['b', 'a']);
    tell(5, (run) => run.failed(20, 'b', had(2)).succeeded(90, 'a', 1, had(10)));
    expect(learnt().order).toEqual(['a', 'b']);
  });

  test('goes by the newest hundred, so that it follows an upstream that turns slow', () => {
    answers(1_000, 5, 20);
    expect(learnt().order).toEqual(['a', 'b']);
    answers(MOST_RECENT / 2, 80, 20);
    expect(learnt().order).toEqual(['b', 'a']);
  });

  test('goes back to older slices only as far as it must, and not beyond the hour', () => {
    answers(3, 20, 5, NOON - SLICE_MS);
    answers(2, 5, 20);
    expect(learnt().order).toEqual(['b', 'a']);
    answers(MOST_RECENT, 5, 20);
    expect(learnt().order).toEqual(['a', 'b']);
    jest.setSystemTime(NOON + 13 * SLICE_MS);
    expect(learnt()).toMatchObject({ order: ['a', 'b'], allKnown: false });
  });

  test('is looked up once a second', () => {
    answers(3, 50, 10);
    statistics.count(log.events);
    jest.advanceTimersByTime(1_000);
    const first = statistics.learntOrder(task);
    jest.advanceTimersByTime(999);
    expect(statistics.learntOrder(task)).toBe(first);
    jest.advanceTimersByTime(1);
    expect(statistics.learntOrder(task)).not.toBe(first);
  });

  test('is looked up sooner while some have no place yet', () => {
    statistics.count(log.events);
    const first = statistics.learntOrder(task);
    jest.advanceTimersByTime(49);
    expect(statistics.learntOrder(task)).toBe(first);
    jest.advanceTimersByTime(1);
    expect(statistics.learntOrder(task)).not.toBe(first);
  });

  test('survives a restart, one by one and in the order in which they came', async () => {
    answers(MOST_RECENT - 40, 80, 20);
    answers(70, 5, 20);
    statistics.count(log.events);
    const { statistics: saved } = await statistics.takeUnsaved();
    const after = statisticsOf(task);
    after.restore(saved);
    expect(after.slices('task').map((slice) => slice.toText())).toEqual(saved.slices.map(({ data }) => data));
    const ends = (all: TaskStatistics) => all.slices('task')[0]!.subTasks.get('a')!.recent!.newest();
    expect(ends(after)).toEqual(ends(statistics));
    expect(ends(after)).toHaveLength(MOST_RECENT);
    expect(ends(after)[0]).toEqual({ ms: 5, kind: 'answered' });
    expect(ends(after).at(-1)).toEqual({ ms: 80, kind: 'answered' });
    expect(after.learntOrder(task).order).toEqual(['a', 'b']);
  });

  test('is learnt anew where what was saved is none', async () => {
    answers(3, 50, 10);
    statistics.count(log.events);
    const { slices } = (await statistics.takeUnsaved()).statistics;
    const data = slices[0]!.data;
    const strange = [
      data.replace('"letters":"aaa"', '"letters":"aa"'),
      data.replace('"letters":"aaa"', '"letters":"axa"'),
      data.replace('"times":[50,', '"times":[-50,'),
      data.replace('"times":[50,', '"times":["50",'),
    ];
    for (const text of strange) {
      expect(text).not.toBe(data);
      const after = statisticsOf(task);
      after.restore({ slices: [{ task: 'task', start: NOON, data: text }], upTo: 0, readFrom: 0 });
      expect(after.slices('task')).toEqual([]);
      expect(after.learntOrder(task)).toMatchObject({ order: ['a', 'b'], allKnown: false });
    }
  });

  test('reads what versions have saved that learnt none', () => {
    log = new ToldLog();
    const plain = statisticsOf();
    answers(3, 50, 10);
    plain.count(log.events);
    const text = plain.slices('task')[0]!.toText();
    expect(text).not.toContain('recent');
    const old = text.replaceAll(/"(failure|cut)Times":"[^"]*",/g, '');
    expect(old).not.toBe(text);
    statistics.restore({ slices: [{ task: 'task', start: NOON, data: old }], upTo: 0, readFrom: 0 });
    expect(statistics.slices('task')).toMatchObject([{ runs: 3 }]);
  });
});
