import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../core/events.js';
import { EventChannel } from './event-channel.js';

const event = (id: number, result = 'x'): RunEvent<'sub-task.succeeded'> => ({
  id,
  type: 'sub-task.succeeded',
  time: '2026-11-24T00:00:00.000Z',
  runId: 'r1',
  task: 'task',
  subTask: 'a',
  attempt: 1,
  data: { result, durationMs: 1 },
});

const events = (from: number, to: number): RunEvent[] =>
  Array.from({ length: to - from + 1 }, (_, n) => event(from + n));

const idsIn = (text: Buffer | undefined) =>
  [...String(text).matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('EventChannel', () => {
  test('gives what is behind a cursor, and nothing twice', () => {
    const channel = new EventChannel({}, 10);
    expect(channel.read(10)).toEqual({ text: undefined, next: 10 });
    channel.add(events(11, 13));
    const batch = channel.read(11);
    expect([idsIn(batch?.text), batch?.next]).toEqual([[12, 13], 13]);
    expect(channel.read(13)?.text).toBeUndefined();
  });

  test('gives readers at the same place one buffer, for as long as nothing comes', () => {
    const channel = new EventChannel({}, 0);
    channel.add(events(1, 3));
    const [first, second, behind] = [channel.read(0), channel.read(0), channel.read(1)];
    expect(second?.text).toBe(first?.text);
    expect(idsIn(behind?.text)).toEqual([2, 3]);
    channel.add(events(4, 4));
    expect(idsIn(channel.read(0)?.text)).toEqual([1, 2, 3, 4]);
  });

  test('lets cursors go on over what doesn’t fit, and never back', () => {
    const channel = new EventChannel({ task: 'task', types: ['run.finished'] }, 0);
    expect(channel.add(events(1, 3))).toBe(false);
    expect(channel.read(0)).toEqual({ text: undefined, next: 3 });
    expect(channel.read(7)).toEqual({ text: undefined, next: 7 });
    const finished: RunEvent = {
      ...{ id: 4, type: 'run.finished', time: '', runId: 'r1', task: 'task', data: { status: 'succeeded' } },
    };
    expect(channel.add([finished, { ...finished, id: 5, task: 'other' }])).toBe(true);
    const batch = channel.read(0);
    expect([idsIn(batch?.text), batch?.next, batch?.last]).toEqual([[4], 5, finished]);
  });

  test('keeps nothing of a run that was erased: who is behind it reads the journal', () => {
    const channel = new EventChannel({}, 0);
    channel.add([...events(1, 2), { ...event(3), runId: 'r2' }, ...events(4, 4)]);
    channel.read(0);
    channel.forget('r2');
    expect([channel.read(0), channel.read(2)]).toEqual([undefined, undefined]);
    expect(idsIn(channel.read(3)?.text)).toEqual([4]);
    channel.forget('none');
    expect(idsIn(channel.read(3)?.text)).toEqual([4]);
    channel.forget(undefined);
    expect(channel.read(3)).toBeUndefined();
    expect(channel.read(4)).toEqual({ text: undefined, next: 4 });
  });

  test('knows nothing of what was before it', () => {
    const channel = new EventChannel({}, 10);
    channel.add(events(9, 12));
    expect(channel.read(9)).toBeUndefined();
    expect(idsIn(channel.read(10)?.text)).toEqual([11, 12]);
  });

  test('keeps so many events, and is pressing before it forgets one that nobody could read', () => {
    const channel = new EventChannel({}, 0);
    channel.add(events(1, 5_000));
    expect(channel.pressing).toBe(false);
    channel.add(events(5_001, 10_000));
    expect(channel.pressing).toBe(true);
    channel.calledReaders();
    expect(channel.pressing).toBe(false);
    expect(channel.read(0)).toBeDefined();
    channel.add(events(10_001, 10_001));
    expect(channel.read(0)).toBeUndefined();
    expect(idsIn(channel.read(1)?.text)[0]).toBe(2);
  });

  test('keeps so much, and less than an event that is larger', () => {
    const channel = new EventChannel({}, 0);
    for (let id = 1; id <= 20; id += 1) channel.add([event(id, 'x'.repeat(2 ** 18))]);
    expect(channel.pressing).toBe(true);
    expect(channel.read(0)).toBeUndefined();
    expect(channel.read(19)?.next).toBe(20);
    channel.add([event(21, 'x'.repeat(2 ** 24))]);
    expect(channel.read(20)).toBeUndefined();
    expect(channel.read(21)?.text).toBeUndefined();
  });

  test('gives a bounded batch at a time', () => {
    const channel = new EventChannel({}, 0);
    for (let id = 1; id <= 10; id += 1) channel.add([event(id, 'x'.repeat(2 ** 15))]);
    const seen: number[] = [];
    for (let batch = channel.read(0); batch?.text; batch = channel.read(batch.next)) {
      expect(batch.text.length).toBeLessThan(2 ** 17);
      seen.push(...idsIn(batch.text));
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});
