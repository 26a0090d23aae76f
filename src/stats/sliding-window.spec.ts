import { describe, expect, test } from '@jest/globals';
import { SLICE_MS, SlidingWindow, windowAt } from './sliding-window.js';
import { TaskSlice } from './task-slice.js';

const NOON = Date.UTC(2026, 0, 1, 12);
const MINUTE_MS = 60_000;

/** A window in which a run was counted at each of the times. */
function windowOf(...times: readonly number[]): SlidingWindow {
  const window = new SlidingWindow();
  for (const time of times) window.at('task', time).runs += 1;
  return window;
}

const runs = (window: SlidingWindow, now: number) => window.slices('task', now).map((slice) => slice.runs);

describe('SlidingWindow', () => {
  test('counts what happens within five minutes in one slice, and shows the newest first', () => {
    const window = windowOf(NOON, NOON + SLICE_MS, NOON + SLICE_MS - 1, NOON + 2 * SLICE_MS, NOON + SLICE_MS);
    expect(runs(window, NOON + 2 * SLICE_MS)).toEqual([1, 2, 2]);
  });

  test('leaves out what is an hour old, a slice at a time', () => {
    const window = windowOf(NOON, NOON + 59 * MINUTE_MS);
    expect(runs(window, NOON + 60 * MINUTE_MS - 1)).toEqual([1, 1]);
    expect(runs(window, NOON + 60 * MINUTE_MS)).toEqual([1]);
    expect(windowAt(NOON + 60 * MINUTE_MS).from).toBe(NOON + 5 * MINUTE_MS);
  });

  test('leaves out what a clock that was set back has not reached yet', () => {
    expect(runs(windowOf(NOON, NOON + 20 * MINUTE_MS), NOON + 3 * MINUTE_MS)).toEqual([1]);
  });

  test('knows nothing of a task that it has heard nothing of', () => {
    expect(windowOf(NOON).slices('other', NOON)).toEqual([]);
  });

  test.each([
    ['too old', 2 * 60 * MINUTE_MS],
    ['ahead of the clock', -60 * MINUTE_MS],
  ])('gives back the room of what is %s, and has it saved no more', (_why, later) => {
    const window = windowOf(NOON);
    window.forgetOld(NOON + later);
    expect([runs(window, NOON), window.takeChanged()]).toEqual([[], []]);
  });

  test('keeps what counts when it gives back room', () => {
    const window = windowOf(NOON, NOON + 59 * MINUTE_MS);
    window.forgetOld(NOON + 60 * MINUTE_MS);
    expect(runs(window, NOON + 59 * MINUTE_MS)).toEqual([1]);
    window.forgetOld(NOON + 61 * MINUTE_MS);
    expect(runs(window, NOON + 61 * MINUTE_MS)).toEqual([1]);
  });

  test('tells of each slice that changed once, and again when it changes again', () => {
    const window = windowOf(NOON, NOON + SLICE_MS);
    const starts = () => window.takeChanged().map(({ task, start }) => [task, start]);
    expect(starts()).toEqual([
      ['task', NOON + SLICE_MS],
      ['task', NOON],
    ]);
    expect(starts()).toEqual([]);
    window.at('task', NOON + 1).runs += 1;
    expect(starts()).toEqual([['task', NOON]]);
  });

  test('goes on with slices that were saved, which have not changed', () => {
    const window = windowOf(NOON + SLICE_MS);
    window.takeChanged();
    window.restore('task', NOON, Object.assign(new TaskSlice(), { runs: 7 }));
    expect(runs(window, NOON + SLICE_MS)).toEqual([1, 7]);
    expect(window.takeChanged()).toEqual([]);
    window.at('task', NOON + 1).runs += 1;
    expect(runs(window, NOON + SLICE_MS)).toEqual([1, 8]);
  });
});
