import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { statisticsOf } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import { MINUTE_MS } from './minute-tally.js';
import { seriesOf } from './series.js';
import { windowAt } from './sliding-window.js';
import { TaskSlice } from './task-slice.js';
import type { Step } from './stats.schemas.js';

const NOON = Date.UTC(2026, 0, 1, 12);

describe('the series of a task', () => {
  let log: ToldLog;
  beforeEach(() => {
    log = new ToldLog();
    jest.spyOn(Date, 'now').mockReturnValue(NOON + MINUTE_MS / 2);
  });
  afterEach(() => void jest.restoreAllMocks());

  function series(step: Step, written = false) {
    const statistics = statisticsOf();
    statistics.count(log.events);
    const slices = statistics.slices('task');
    const read = written ? slices.map((slice) => TaskSlice.of(slice.toText())) : slices;
    return seriesOf(read, windowAt(Date.now()), step).points;
  }

  test('has a point for each step of the window, the oldest first, also where nothing happened', () => {
    const points = series('1m');
    expect(points).toHaveLength(56);
    expect([points[0]!.from, points[55]!.from]).toEqual([
      '2026-01-01T11:05:00.000Z',
      '2026-01-01T12:00:00.000Z',
    ]);
    expect(points[7]).toEqual({
      ...{ from: '2026-01-01T11:12:00.000Z', runs: 0, replies: 0, errors: 0 },
      replyMs: { count: 0, p50: null, p90: null, p99: null },
      hedging: { extraStarts: 0, heldBack: 0, savedMs: 0 },
    });
    expect(series('5m').map(({ from }) => from.slice(11, 16))).toHaveLength(12);
    expect(series('15m').map(({ from }) => from.slice(11, 16))).toEqual([
      '11:00',
      '11:15',
      '11:30',
      '11:45',
      '12:00',
    ]);
  });

  test('counts each event in its minute, and in steps what their minutes have, also what was saved', () => {
    for (const ms of [2, 2, 3]) log.reply(ms, { at: NOON - MINUTE_MS });
    const before = NOON - 1_000;
    log.run({ at: before }).started(0, 'a').failed(2_000, 'a').defeated(2_000).finished(2_000);
    const hedged = log
      .run({ at: NOON })
      .started(0, 'a')
      .hedged(100, 'b')
      .succeeded(200, 'b')
      .replied(200, 'b');
    hedged.succeeded(950, 'a').finished(950);
    log.run({ at: NOON }).started(0, 'a').heldBack(5, 'b');
    for (const written of [false, true]) {
      const [previous, last] = series('1m', written).slice(-2);
      expect(previous).toMatchObject({
        ...{ runs: 4, replies: 3, errors: 0 },
        replyMs: { count: 3, p50: 2, p90: 3, p99: 3 },
      });
      expect(last).toMatchObject({
        ...{ runs: 2, replies: 1, errors: 1 },
        hedging: { extraStarts: 1, heldBack: 1, savedMs: 750 },
      });
      const { p50 } = last!.replyMs;
      expect(p50).toBeGreaterThanOrEqual(200);
      expect(p50).toBeLessThan(200 * (1 + 1 / 16));
      const [quarter, noon] = series('15m', written).slice(-2);
      expect([quarter!.runs, quarter!.replies, noon!.runs]).toEqual([4, 3, 2]);
    }
  });

  test('has nothing of slices that a version from before has written', () => {
    log.reply(2, { at: NOON });
    const statistics = statisticsOf();
    statistics.count(log.events);
    const { minutes: _, ...old } = JSON.parse(statistics.slices('task')[0]!.toText()) as Record<
      string,
      unknown
    >;
    const slice = TaskSlice.of(JSON.stringify(old));
    expect(slice.runs).toBe(1);
    expect(seriesOf([slice], windowAt(Date.now()), '1m').points.some(({ runs }) => runs > 0)).toBe(false);
  });
});
