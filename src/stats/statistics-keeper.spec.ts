import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventWriter } from '../../test/support/event-writer.js';
import { hearer } from '../../test/support/hearer.js';
import { definition, statisticsOf } from '../../test/support/statistics.js';
import { ToldLog } from '../../test/support/told-log.js';
import { Measures } from '../core/measures.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory/memory-journal.js';
import { raceTable } from './race-table.js';
import { MAX_BEHIND, MAX_LOOK_BACK, SAVE_EVERY_MS, StatisticsKeeper } from './statistics-keeper.js';

const NOON = Date.UTC(2026, 0, 1, 12);

/** The statistics of a process on the journal, as they are kept. */
class Process {
  readonly measures = new Measures();
  readonly statistics = statisticsOf(definition(), this.measures);
  private readonly keeper: StatisticsKeeper;

  constructor(journal: MemoryJournal, bus: EventBus) {
    this.keeper = new StatisticsKeeper(this.statistics, journal, bus);
  }

  async start(): Promise<this> {
    await this.keeper.onApplicationBootstrap();
    return this;
  }

  stop(): Promise<void> {
    return this.keeper.beforeApplicationShutdown();
  }

  get table() {
    return raceTable(definition(), this.statistics.slices('task'));
  }
}

describe('StatisticsKeeper', () => {
  let bus: EventBus;
  let journal: MemoryJournal;
  let writer: EventWriter;
  let log: ToldLog;
  let told: number;
  let running: Process[];
  beforeEach(() => {
    jest.useFakeTimers({ now: NOON });
    bus = new EventBus(new EventEmitter2());
    journal = new MemoryJournal(bus, 1, undefined, (commit) => void Promise.resolve().then(commit));
    writer = new EventWriter(journal);
    log = new ToldLog();
    told = 0;
    running = [];
  });
  afterEach(async () => {
    jest.useRealTimers();
    jest.restoreAllMocks();
    await Promise.all(running.map((process) => process.stop()));
  });

  const start = (process = new Process(journal, bus)) => {
    running.push(process);
    return process.start();
  };
  /** Journals what was told since the last call; resolves when everybody has heard it. */
  async function commit(): Promise<void> {
    for (const { id: _id, time: _time, ...event } of log.events.slice(told)) void writer.append(event);
    told = log.events.length;
    await journal.drain();
    bus.onModuleDestroy();
  }
  async function reply(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) log.reply(5, { at: NOON });
    await commit();
  }
  const saves = () => jest.spyOn(journal, 'saveStatistics');
  /** What a process that ended without a word has left: it hears and saves no more. */
  const kill = (process: Process) => jest.spyOn(process.statistics, 'count').mockReturnValue();

  test('counts what is committed', async () => {
    const process = await start();
    await reply(3);
    expect(process.table).toMatchObject({ runs: 3, replies: 3 });
  });

  test('begins with the events to come where nothing was ever saved', async () => {
    await reply(3);
    expect((await start()).table).toMatchObject({ runs: 0 });
    const { lastEventId } = journal;
    expect(await journal.savedStatistics()).toEqual({
      slices: [],
      upTo: lastEventId,
      readFrom: lastEventId,
    });
  });

  test('saves every ten seconds, when there is something new', async () => {
    await start();
    const saving = saves();
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    expect(saving).not.toHaveBeenCalled();
    await reply(2);
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS - 1);
    expect(saving).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    await jest.advanceTimersByTimeAsync(5 * SAVE_EVERY_MS);
    expect(saving).toHaveBeenCalledTimes(1);
    expect(await journal.savedStatistics()).toMatchObject({
      upTo: journal.lastEventId,
      readFrom: journal.lastEventId,
      slices: [{ task: 'task', start: NOON }],
    });
  });

  test('saves nothing when there is nothing new since the last process', async () => {
    const first = await start();
    await reply(1);
    await first.stop();
    const saving = saves();
    const second = await start();
    await second.stop();
    expect(saving).not.toHaveBeenCalled();
  });

  test('saves at the stop, and nothing after it', async () => {
    const process = await start();
    await reply(2);
    await process.stop();
    const saved = await journal.savedStatistics();
    expect(saved).toMatchObject({ upTo: journal.lastEventId, slices: [{ task: 'task' }] });
    await reply(1);
    await jest.advanceTimersByTimeAsync(2 * SAVE_EVERY_MS);
    expect(await journal.savedStatistics()).toEqual(saved);
    expect(process.table.runs).toBe(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('saves once at a time', async () => {
    await start();
    await reply(1);
    const held = Promise.withResolvers<undefined>();
    const saving = saves().mockImplementationOnce(() => held.promise);
    await jest.advanceTimersByTimeAsync(3 * SAVE_EVERY_MS);
    expect(saving).toHaveBeenCalledTimes(1);
    await reply(1);
    held.resolve(undefined);
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    expect(saving).toHaveBeenCalledTimes(2);
  });

  test('waits at the stop for what is being saved, and saves what came since', async () => {
    const process = await start();
    await reply(1);
    const save = journal.saveStatistics.bind(journal);
    const held = Promise.withResolvers<undefined>();
    saves().mockImplementationOnce(async (...args) => {
      await held.promise;
      await save(...args);
    });
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    await reply(1);
    const stopped = process.stop();
    held.resolve(undefined);
    await stopped;
    expect((await start()).table.runs).toBe(2);
    expect(await journal.savedStatistics()).toMatchObject({ upTo: journal.lastEventId });
  });

  test('goes on after a stop, or after an end without one, with everything', async () => {
    const first = await start();
    await reply(2);
    await first.stop();
    const second = await start();
    await reply(2);
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    await reply(2);
    kill(second);
    const third = await start();
    expect(third.table).toMatchObject({ runs: 6, replies: 6, replyMs: { count: 6, p50: 5 } });
    await reply(1);
    expect(third.table.runs).toBe(7);
  });

  test('knows of runs that were under way when it saved what became of them before the end', async () => {
    const first = await start();
    const run = log.run({ at: NOON }).started(0, 'a').hedged(5, 'b');
    await commit();
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    run.succeeded(7, 'b').replied(7, 'b').succeeded(9, 'a').finished(9);
    await commit();
    kill(first);
    expect((await start()).table).toMatchObject({ runs: 1, replies: 1, replyMs: { p99: 7 } });
  });

  test('tells those who hear of measures what shadows come to, but not what it reads anew', async () => {
    const compare = async () => {
      const run = log
        .run({ at: NOON, shadows: ['b'] })
        .started(0, 'a')
        .started(0, 'b');
      run.succeeded(5, 'a').replied(5, 'a').succeeded(6, 'b').finished(6);
      await commit();
    };
    const first = await start();
    await compare();
    kill(first);
    const second = new Process(journal, bus);
    const compared = jest.fn();
    second.measures.hearers = [hearer({ compared })];
    await start(second);
    expect(second.table.runs).toBe(1);
    expect(compared).not.toHaveBeenCalled();
    await compare();
    expect(compared.mock.calls).toEqual([['task', 'b', 'equal']]);
  });

  test('counts nothing of what becomes of runs that another process goes on with', async () => {
    const first = await start();
    const run = log.run({ at: NOON }).started(0, 'a');
    await commit();
    kill(first);
    const second = await start();
    run.started(60_000, 'a').succeeded(60_000, 'a').replied(60_000, 'a').finished(60_000);
    await commit();
    expect(second.table).toMatchObject({ runs: 1, replies: 0, replyMs: { count: 0 } });
  });

  test.each([
    ['behind what was saved', 0, 500_000, 500_000 - MAX_BEHIND],
    ['in search of runs that were under way', 0, MAX_LOOK_BACK + 7, 7],
  ])('reads no more than so many events %s', async (what, readFrom, lastEventId, after) => {
    const upTo = what === 'behind what was saved' ? 0 : lastEventId;
    await journal.saveStatistics({ slices: [], upTo, readFrom }, { from: 0, to: NOON });
    jest.spyOn(journal, 'lastEventId', 'get').mockReturnValue(lastEventId);
    const reading = jest
      .spyOn(journal, 'events')
      .mockResolvedValueOnce({ events: [], next: lastEventId - 1 })
      .mockResolvedValue({ events: [], next: lastEventId });
    const { statistics } = await start();
    expect(reading.mock.calls.map(([query]) => query.after)).toEqual([after, lastEventId - 1]);
    expect(statistics.upTo).toBe(lastEventId);
  });

  test('forgets what is an hour old, here and in the journal', async () => {
    const process = await start();
    await reply(1);
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    await jest.advanceTimersByTimeAsync(60 * 60_000);
    log.reply(5, { at: NOON + 60 * 60_000 });
    await commit();
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    expect((await journal.savedStatistics())?.slices.map((slice) => slice.start)).toEqual([
      NOON + 60 * 60_000,
    ]);
    expect(process.table.runs).toBe(1);
  });

  test('begins anew when nothing can be read, says so, and goes on', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await reply(2);
    jest.spyOn(journal, 'savedStatistics').mockRejectedValueOnce(new Error('no such table'));
    const process = await start();
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('no such table'));
    expect(process.statistics.upTo).toBe(journal.lastEventId);
    await reply(3);
    expect(process.table.runs).toBe(3);
    await process.stop();
    expect((await start()).table.runs).toBe(3);
  });

  test('says that it can’t save, but not each time, and saves all when it can', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const process = await start();
    const saving = saves().mockRejectedValue(new Error('disk full'));
    await reply(2);
    await jest.advanceTimersByTimeAsync(3 * SAVE_EVERY_MS);
    expect(saving).toHaveBeenCalledTimes(3);
    expect(warned.mock.calls).toEqual([[expect.stringContaining('disk full')]]);
    saving.mockRestore();
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    const failing = saves().mockRejectedValueOnce(new Error('disk full again'));
    await reply(1);
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    expect(warned).toHaveBeenLastCalledWith(expect.stringContaining('disk full again'));
    await jest.advanceTimersByTimeAsync(SAVE_EVERY_MS);
    failing.mockRestore();
    kill(process);
    expect((await start()).table.runs).toBe(3);
  });
});
