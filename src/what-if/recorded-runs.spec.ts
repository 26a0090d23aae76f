import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventWriter } from '../../test/support/event-writer.js';
import { definition } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory/memory-journal.js';
import { recordedRuns } from './recorded-runs.js';
import { Turns } from './turns.js';

const at = Date.UTC(2026, 0, 1, 12);

describe('the recorded runs of a task', () => {
  let journal: MemoryJournal;
  let log: ToldLog;
  beforeEach(() => {
    journal = new MemoryJournal(new EventBus(new EventEmitter2()), 1);
    log = new ToldLog();
  });
  afterEach(() => void jest.restoreAllMocks());

  const write = async (): Promise<void> => {
    const writer = new EventWriter(journal);
    for (const { id: _id, time: _time, ...event } of log.events) void writer.append(event);
    await journal.drain();
  };
  const read = async (most: number, turns = new Turns()) => {
    const { runs, leftOut } = await recordedRuns(journal, definition(), most, turns);
    return { ids: runs.map(({ id }) => id), leftOut };
  };
  test('are the newest that have finished, the oldest first, and none is read that is older', async () => {
    log.reply(5, { at });
    const oldest = log.events.length;
    log.run({ at }).started(0, 'a').failed(1, 'a').skipped(1, 'b').defeated(1).finished(1, 'failed');
    log.run({ at }).started(0, 'a').cancelled(1, 'a').skipped(1, 'b').finished(1, 'cancelled');
    log.run({ at }).started(0, 'a');
    log.reply(5, { at, task: 'other' });
    log
      .run({ at })
      .started(0, 'a')
      .started(0, 'b')
      .succeeded(1, 'a')
      .replied(1, 'a')
      .failed(2, 'b')
      .finished(2, 'partly-failed');
    log.reply(5, { at });
    await write();
    const events = jest.spyOn(journal, 'events');
    expect(await read(3)).toEqual({ ids: ['r2', 'r6', 'r7'], leftOut: 1 });
    expect(events.mock.calls.map(([{ after }]) => after)).toEqual([oldest]);
    expect(await read(4)).toEqual({ ids: ['r1', 'r2', 'r6', 'r7'], leftOut: 1 });
    expect(await read(2)).toEqual({ ids: ['r6', 'r7'], leftOut: 0 });
  });

  test('are no more than were asked for, also where one of them goes on again', async () => {
    log.reply(5, { at });
    log.reply(5, { at }).reopened(9);
    log.reply(5, { at });
    await write();
    expect(await read(2)).toEqual({ ids: ['r2', 'r3'], leftOut: 0 });
  });

  test('are read in pages, with a turn for others behind each', async () => {
    for (let n = 0; n < 1_600; n += 1) log.reply(5, { at });
    await write();
    const [events, runs] = [jest.spyOn(journal, 'events'), jest.spyOn(journal, 'runs')];
    const turns = new Turns();
    const take = jest.spyOn(turns, 'take');
    const { ids } = await read(1_500, turns);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([1_500, 'r101', 'r1600']);
    expect(runs.mock.calls.map(([{ limit }]) => limit)).toEqual([1_000, 500]);
    const pages = (1_500 * log.events.length) / 1_600 / 250;
    expect(events).toHaveBeenCalledTimes(pages);
    expect(take).toHaveBeenCalledTimes(pages);
  });

  test('are looked for in the newest 250,000 events', async () => {
    jest.spyOn(journal, 'lastEventId', 'get').mockReturnValue(300_000);
    const events = jest
      .spyOn(journal, 'events')
      .mockResolvedValueOnce({ events: [], next: 299_999 })
      .mockResolvedValue({ events: [], next: 300_000 });
    await read(10);
    expect(events.mock.calls.map(([{ after }]) => after)).toEqual([50_000, 299_999]);
  });
});
