import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { definition, statisticsOf } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import type { RunEvent } from '../core/events.js';
import { SLICE_MS } from './sliding-window.js';
import { TaskSlice } from './task-slice.js';
import type { TaskStatistics } from './task-statistics.js';

const NOON = Date.UTC(2026, 0, 1, 12);
const HOUR_MS = 60 * 60_000;

describe('TaskStatistics', () => {
  let statistics: TaskStatistics;
  let log: ToldLog;
  beforeEach(() => {
    jest.useFakeTimers({ now: NOON });
    statistics = statisticsOf();
    log = new ToldLog();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  /** Counts runs that took so long each. */
  function reply(durations: readonly number[], at = NOON): void {
    for (const ms of durations) log.reply(ms, { at });
    statistics.count(log.events);
  }
  const times = (count: number, ms: number) => Array<number>(count).fill(ms);
  const second = () => jest.advanceTimersByTime(1_000);

  describe('learns a reply time', () => {
    test.each([
      [0.1, 20],
      [0.5, 20],
      [0.8, 50],
      [0.9, 100],
      [0.95, 200],
      [0.99, 1_000],
      [0.999, 1_000],
    ])('at the quantile %d from %d replies on', (quantile, least) => {
      expect(statistics.replyTime('task', quantile)).toBeUndefined();
      reply(times(least - 1, 5));
      expect(statistics.replyTime('task', quantile)).toBeUndefined();
      reply([5]);
      expect(statistics.replyTime('task', quantile)).toBe(5);
    });

    test('that at most the wanted share of the replies exceeds', () => {
      reply([...times(190, 5), ...times(10, 20)]);
      expect(statistics.replyTime('task', 0.95)).toBe(5);
      reply([20]);
      second();
      expect(statistics.replyTime('task', 0.95)).toBe(20);
    });

    test('of runs with hedges and without', () => {
      reply(times(100, 5));
      for (let n = 0; n < 100; n += 1) {
        const run = log.run({ at: NOON }).started(0, 'a').hedged(8, 'b').succeeded(12, 'b');
        run.replied(12, 'b').cancelled(12, 'a').finished(12);
      }
      statistics.count(log.events);
      expect([0.5, 0.9].map((quantile) => statistics.replyTime('task', quantile))).toEqual([5, 12]);
    });

    test('from the first chunk of replies whose stream was shown, and from the end of the others, also when it was saved', async () => {
      const stream = (firstChunkMs: number, ms: number) => {
        const run = log.run({ at: NOON }).started(0, 'a').hedged(1, 'b');
        run.succeeded(ms, 'a').replied(ms, 'a', ms, firstChunkMs).finished(ms);
      };
      for (let n = 0; n < 30; n += 1) stream(3, 9_000);
      for (let n = 0; n < 10; n += 1) stream(7, 20);
      reply(times(60, 5));
      const learnt = () =>
        [0.2, 0.3, 0.31, 0.9, 0.91].map((quantile) => statistics.replyTime('task', quantile));
      const { statistics: saved } = await statistics.takeUnsaved();
      for (const now of [statistics, statisticsOf()]) {
        if (now !== statistics) now.restore(saved);
        statistics = now;
        expect(learnt()).toEqual([3, 3, 5, 5, undefined]);
      }
    });

    test('from the newest slices that have a thousand together, or from all', () => {
      reply(times(600, 24), NOON - 2 * SLICE_MS);
      reply(times(600, 8), NOON - SLICE_MS);
      reply(times(399, 5), NOON);
      expect(statistics.replyTime('task', 0.9)).toBe(24);
      reply(times(1, 5), NOON);
      second();
      expect(statistics.replyTime('task', 0.9)).toBe(8);
    });

    test('from more of them where the quantile needs more', () => {
      reply(times(1_000, 24), NOON - SLICE_MS);
      reply(times(1_000, 5), NOON);
      expect(statistics.replyTime('task', 0.99)).toBe(5);
      expect(statistics.replyTime('task', 0.999)).toBe(24);
    });

    test('anew after a second, and not before', () => {
      reply(times(200, 5));
      expect(statistics.replyTime('task', 0.95)).toBe(5);
      reply(times(200, 9));
      jest.advanceTimersByTime(999);
      expect(statistics.replyTime('task', 0.95)).toBe(5);
      jest.advanceTimersByTime(1);
      expect(statistics.replyTime('task', 0.95)).toBe(9);
    });

    test('that it forgets with the hour, whatever it was asked in between', () => {
      reply(times(200, 5));
      jest.advanceTimersByTime(HOUR_MS - 1);
      expect(statistics.replyTime('task', 0.95)).toBe(5);
      jest.advanceTimersByTime(1_000);
      expect(statistics.replyTime('task', 0.95)).toBeUndefined();
    });

    test('of each task and quantile by itself, and of no task that there is none of', () => {
      reply([...times(150, 5), ...times(150, 9)]);
      expect([0.5, 0.95].map((quantile) => statistics.replyTime('task', quantile))).toEqual([5, 9]);
      expect(statistics.replyTime('other', 0.5)).toBeUndefined();
    });

    test('of the policy that the task declares now', async () => {
      reply(times(200, 5));
      const { statistics: saved } = await statistics.takeUnsaved();
      const changed = statisticsOf(definition({ policy: 'all' }));
      changed.restore(saved);
      expect(changed.replyTime('task', 0.5)).toBeUndefined();
      for (let n = 0; n < 30; n += 1) log.reply(7, { at: NOON, reply: { policy: 'all' } });
      changed.beginBehind(saved.upTo);
      changed.count(log.events);
      expect(changed.replyTime('task', 0.5)).toBe(7);
    });
  });

  test('counts no event twice', () => {
    reply(times(3, 5));
    statistics.count(log.events);
    expect(statistics.slices('task')).toMatchObject([{ runs: 3, replies: 3 }]);
  });

  test('counts the others when it can make nothing of an event, and says so', () => {
    const logged = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    log.reply(5, { at: NOON });
    const strange = { ...log.events.find(({ type }) => type === 'run.replied')!, data: {} };
    statistics.count(
      log.events.map((event) => (event.type === 'run.replied' ? (strange as RunEvent) : event)),
    );
    expect(statistics.slices('task')).toMatchObject([{ runs: 1, replies: 0 }]);
    expect(statistics.upTo).toBe(log.events.length);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('run.replied'));
  });

  describe('goes on from what was saved', () => {
    /** Saves what was counted up to some event, and lets another count the rest from there. */
    async function restart(upTo: number): Promise<TaskStatistics> {
      const before = statisticsOf();
      before.count(log.events.slice(0, upTo));
      const { statistics: saved } = await before.takeUnsaved();
      const after = statisticsOf();
      after.restore(saved);
      after.beginBehind(saved.readFrom);
      after.count(log.events.slice(saved.readFrom));
      return after;
    }

    /** Runs of which some are under way wherever the log is cut. */
    function tellRuns(): void {
      const told = [0, 10, 20].map((later) =>
        log
          .run({ at: NOON + later })
          .started(0, 'a')
          .hedged(5, 'b'),
      );
      for (const run of told) run.succeeded(7, 'b').replied(7, 'b');
      told[1]!.cancelled(9, 'a').finished(9);
      log.reply(3, { at: NOON + SLICE_MS });
      told[0]!.succeeded(19, 'a').finished(19);
      const stream = { chunks: 2, bytes: 9, firstChunkMs: 1, tokens: 4 };
      told[2]!.failed(20, 'a', stream).finished(20);
      log
        .run({ at: NOON + SLICE_MS })
        .started(0, 'a')
        .started(0, 'b')
        .cancelled(2, 'b', stream)
        .succeeded(9, 'a', 'x', stream)
        .replied(9, 'a', 9, 2)
        .finished(9);
    }

    test('wherever it was saved: nothing is counted twice, forgotten or torn from its run', async () => {
      tellRuns();
      jest.setSystemTime(NOON + SLICE_MS);
      statistics.count(log.events);
      const whole = statistics.slices('task').map((slice) => slice.toText());
      expect(whole.map((text) => text.length > 100)).toEqual([true, true]);
      for (let upTo = 0; upTo <= log.events.length; upTo += 1)
        expect((await restart(upTo)).slices('task').map((slice) => slice.toText())).toEqual(whole);
    });

    test('reading again no more than the runs under way need', async () => {
      tellRuns();
      statistics.count(log.events.slice(0, 2));
      expect((await statistics.takeUnsaved()).statistics).toMatchObject({ upTo: 2, readFrom: 0 });
      statistics.count(log.events);
      expect((await statistics.takeUnsaved()).statistics).toMatchObject({
        upTo: log.events.length,
        readFrom: log.events.length,
      });
    });

    test('of a version that knew no streams', async () => {
      reply(times(20, 5));
      const { slices } = (await statistics.takeUnsaved()).statistics;
      expect(slices).toHaveLength(1);
      expect(slices[0]!.data).not.toMatch(/stream/i);
      const after = statisticsOf();
      after.restore({ slices, upTo: 0, readFrom: 0 });
      expect(after.replyTime('task', 0.5)).toBe(5);
    });

    test('without slices that it can’t read, of which it warns', async () => {
      const warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
      reply(times(3, 5));
      const [{ data } = { data: '' }] = (await statistics.takeUnsaved()).statistics.slices;
      const after = statisticsOf();
      const broken = ['{', '{}', data.replace('"runs":3', '"runs":-1'), data.replace(/"HIST/g, '"X')];
      const slices = [...broken, data].map((text, index) => ({
        task: 'task',
        start: NOON - index * SLICE_MS,
        data: text,
      }));
      after.restore({ slices, upTo: 0, readFrom: 0 });
      expect(after.slices('task')).toMatchObject([{ runs: 3 }]);
      expect(warned).toHaveBeenCalledTimes(4);
    });

    test('counting nothing more of the runs that it leaves', async () => {
      const run = log.run({ at: NOON }).started(0, 'a');
      statistics.count(log.events);
      statistics.leaveRuns();
      run.succeeded(9_000, 'a').replied(9_000, 'a').finished(9_000);
      statistics.count(log.events);
      expect(statistics.slices('task')).toMatchObject([{ runs: 1, replies: 0 }]);
      expect((await statistics.takeUnsaved()).statistics.readFrom).toBe(log.events.length);
    });
  });

  test('tells again of what could not be saved', async () => {
    reply([5]);
    const { statistics: saved, putBack } = await statistics.takeUnsaved();
    expect((await statistics.takeUnsaved()).statistics.slices).toEqual([]);
    putBack();
    expect((await statistics.takeUnsaved()).statistics.slices).toEqual(saved.slices);
  });

  test('writes down one moment, a slice a turn, and counts what comes meanwhile afterwards', async () => {
    const writing = jest.spyOn(TaskSlice.prototype, 'toText');
    reply([5], NOON - SLICE_MS);
    reply([5], NOON);
    const upTo = log.events.length;
    const unsaved = statistics.takeUnsaved();
    expect(writing).toHaveBeenCalledTimes(1);
    reply([5, 5], NOON - SLICE_MS);
    reply([5], NOON);
    const { statistics: saved } = await unsaved;
    expect(saved).toMatchObject({ upTo, readFrom: upTo });
    expect(saved.slices.map(({ data }) => (JSON.parse(data) as { runs: number }).runs)).toEqual([1, 1]);
    expect(statistics.slices('task')).toMatchObject([{ runs: 2 }, { runs: 3 }]);
    expect(statistics.upTo).toBe(log.events.length);
    expect((await statistics.takeUnsaved()).statistics.slices).toHaveLength(2);
  });
});
