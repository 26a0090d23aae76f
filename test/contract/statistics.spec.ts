import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventBus } from '../../src/events/event-bus.js';
import type { Journal, StatisticsSlice } from '../../src/run/journal.js';
import { EventWriter } from '../support/event-writer.js';
import { journals } from '../support/journals.js';
import { events } from '../support/run-events.js';

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER };

describe.each(Object.keys(journals))('the statistics of the %s journal', (name) => {
  let journal: Journal;
  let writer: EventWriter;
  beforeEach(async () => {
    journal = await journals[name]!(new EventBus(new EventEmitter2()));
    writer = new EventWriter(journal);
  });
  afterEach(() => journal.close());

  const slice = (task: string, start: number, data = `${task} ${start}`): StatisticsSlice => ({
    task,
    start,
    data,
  });
  const save = (upTo: number, slices: readonly StatisticsSlice[], kept = ALWAYS) =>
    journal.saveStatistics({ slices, upTo, readFrom: upTo - 1 }, kept);
  const saved = async () => (await journal.savedStatistics())?.slices.map(({ data }) => data).sort();

  test('are not there before they are saved', async () => {
    await writer.append(events.started('r1'));
    expect(await journal.savedStatistics()).toBeUndefined();
  });

  test('say up to which event they count, and where to read on, also without any slice', async () => {
    await save(7, []);
    expect(await journal.savedStatistics()).toEqual({ slices: [], upTo: 7, readFrom: 6 });
    await save(9, []);
    expect(await journal.savedStatistics()).toEqual({ slices: [], upTo: 9, readFrom: 8 });
  });

  test('come back as they were', async () => {
    const data = JSON.stringify({ text: 'ü \' " \u0000', long: 'x'.repeat(100_000) });
    const slices = [slice('task', Date.UTC(2026, 0, 1), data)];
    await save(1, slices);
    expect(await journal.savedStatistics()).toEqual({ slices, upTo: 1, readFrom: 0 });
  });

  test('keep what was saved before, and replace slices of the same task and time', async () => {
    await save(
      1,
      [1, 2, 3].flatMap((start) => [slice('a', start), slice('b', start), slice('a b', start)]),
    );
    await save(2, [slice('a', 2, 'new')]);
    expect(await saved()).toEqual(['a 1', 'a 3', 'a b 1', 'a b 2', 'a b 3', 'b 1', 'b 2', 'b 3', 'new']);
  });

  test('forget slices that begin outside of the time that is kept, those that are saved with it too', async () => {
    await save(
      1,
      [1, 2, 3, 4].map((start) => slice('a', start)),
    );
    await save(2, [slice('b', 1), slice('b', 3)], { from: 2, to: 3 });
    expect(await saved()).toEqual(['a 2', 'a 3', 'b 3']);
  });

  test('are saved while runs are', async () => {
    const work = Array.from({ length: 50 }, (_, n) => [
      writer.append(events.started(`r${n}`)),
      save(n, [slice('a', n)]),
    ]);
    await Promise.all(work.flat());
    expect(await saved()).toHaveLength(50);
    expect(journal.lastEventId).toBe(50);
  });
});
