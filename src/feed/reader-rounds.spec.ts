import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { RunEvent } from '../core/events.js';
import { EventChannel, type EventReader } from './event-channel.js';
import { ReaderRounds } from './reader-rounds.js';

describe('ReaderRounds', () => {
  /** What the clock says; reading takes time on it alone. */
  let now: number;
  let rounds: ReaderRounds;
  let channel: EventChannel;
  beforeEach(() => {
    now = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    jest.useFakeTimers({ doNotFake: ['performance', 'setImmediate', 'nextTick', 'queueMicrotask'] });
    rounds = new ReaderRounds();
    channel = new EventChannel({}, 0);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  /** A reader that takes so long; counts how often it was called. */
  function join(tookMs: number): { calls: number } {
    const reader = {
      calls: 0,
      pump: () => {
        reader.calls += 1;
        now += tookMs;
      },
      beat: () => undefined,
      end: () => undefined,
    } satisfies EventReader & { calls: number };
    channel.readers.add(reader);
    return reader;
  }

  const event = (id: number): RunEvent => ({
    ...{ id, type: 'run.finished', time: '', runId: 'r1', task: 'task', data: { status: 'succeeded' } },
  });

  function publish(count = 1): void {
    channel.add(Array.from({ length: count }, (_, n) => event(n + 1)));
    rounds.announce(channel);
  }

  /** Lets so much time pass, and what was due then happen. */
  async function pass(ms: number): Promise<void> {
    now += ms;
    jest.advanceTimersByTime(ms);
    for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  test('calls readers at once after a quiet time, and together afterwards', async () => {
    const reader = join(0);
    publish();
    await pass(1);
    expect(reader.calls).toBe(1);
    publish();
    publish();
    await pass(40);
    expect(reader.calls).toBe(1);
    await pass(10);
    expect(reader.calls).toBe(2);
  });

  test('calls them less often the longer they take', async () => {
    const readers = Array.from({ length: 20 }, () => join(5));
    publish();
    await pass(1);
    publish();
    await pass(1_800);
    expect(readers.map(({ calls }) => calls)).toEqual(readers.map(() => 1));
    await pass(100);
    expect(readers.map(({ calls }) => calls)).toEqual(readers.map(() => 2));
  });

  test('lets none wait for ever, however long all take', async () => {
    const reader = join(60_000);
    publish();
    await pass(1);
    publish();
    await pass(1_900);
    expect(reader.calls).toBe(1);
    await pass(110);
    expect(reader.calls).toBe(2);
  });

  test('counts what readers do between the rounds', async () => {
    const reader = join(5);
    rounds.pump({ ...join(0), pump: () => void (now += 95), beat: () => undefined, end: () => undefined });
    publish();
    await pass(1);
    publish();
    await pass(1_800);
    expect(reader.calls).toBe(1);
    await pass(100);
    expect(reader.calls).toBe(2);
  });

  test('calls them sooner when they would fall too far behind, but leaves most of the time to others', async () => {
    const reader = join(100);
    publish();
    await pass(1);
    publish();
    publish(6_000);
    await pass(250);
    expect(reader.calls).toBe(1);
    await pass(60);
    expect(reader.calls).toBe(2);
  });

  test('leaves the event loop to others in between', async () => {
    const readers = Array.from({ length: 10 }, () => join(1));
    publish();
    now += 1;
    jest.advanceTimersByTime(1);
    expect(readers.filter(({ calls }) => calls > 0)).toHaveLength(1);
    await pass(0);
    expect(readers.filter(({ calls }) => calls > 0)).toHaveLength(10);
  });

  test('calls nobody after its end', async () => {
    const reader = join(0);
    publish();
    rounds.stop();
    await pass(100);
    expect(reader.calls).toBe(0);
  });
});
