import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { EventWriter } from '../../../test/support/event-writer.js';
import { events } from '../../../test/support/run-events.js';
import { EventBus } from '../../events/event-bus.js';
import { MemoryBudget } from '../../core/memory-budget.js';
import { RETAINED_RUNS } from './finished-runs.js';
import { MemoryJournal } from './memory-journal.js';

describe('MemoryJournal', () => {
  let journal: MemoryJournal;
  let writer: EventWriter;
  beforeEach(() => {
    journal = new MemoryJournal(new EventBus(new EventEmitter2()), 3_600_000);
    writer = new EventWriter(journal);
  });

  test('forgets the oldest finished runs past its bound, and no unfinished one', async () => {
    void writer.append(events.started('unfinished'));
    for (let n = 0; n <= RETAINED_RUNS; n += 1) {
      void writer.append(events.started(`r${n}`));
      void writer.append(events.finished(`r${n}`));
    }
    await writer.append(events.started('last'));
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r1')).toBeDefined();
    expect(await journal.run(`r${RETAINED_RUNS}`)).toBeDefined();
    expect(await journal.run('unfinished')).toBeDefined();
  });

  test('forgets the events of a run with it, and finds its way among the rest', async () => {
    void writer.append(events.started('unfinished'));
    for (let n = 0; n < RETAINED_RUNS * 2; n += 1) {
      void writer.append(events.started(`r${n}`));
      void writer.append(events.finished(`r${n}`));
    }
    await writer.append(events.started('last'));
    await expect(journal.events({ runId: 'r0', after: 0, limit: 1 })).rejects.toMatchObject({
      code: 'run-unknown',
    });
    const ids: number[] = [];
    for (let after = 0, next = -1; after !== next;) {
      next = after;
      const page = await journal.events({ after, limit: 1000 });
      ids.push(...page.events.map(({ id }) => id));
      after = page.next;
    }
    const kept = Array.from({ length: RETAINED_RUNS * 2 + 1 }, (_, n) => RETAINED_RUNS * 2 + 2 + n);
    expect(ids).toEqual([1, ...kept]);
  });

  test('forgets runs whose errors are large sooner as well', async () => {
    for (let n = 0; n < 20; n += 1) {
      void writer.append(events.started(`r${n}`));
      void writer.append(events.retrying(`r${n}`, 'x'.repeat(10 * 2 ** 20)));
      await writer.append(events.finished(`r${n}`));
    }
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r19')).toBeDefined();
  });

  test('forgets large runs sooner, so that memory stays bounded', async () => {
    const large = 'x'.repeat(10 * 2 ** 20);
    for (let n = 0; n < 20; n += 1) {
      void writer.append(events.started(`r${n}`, large));
      await writer.append(events.finished(`r${n}`));
    }
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r19')).toBeDefined();
  });

  test('keeps the newest finished run, however large it is', async () => {
    const small = new MemoryJournal(new EventBus(new EventEmitter2()), 3_600_000, new MemoryBudget(2 ** 20));
    writer = new EventWriter(small);
    void writer.append(events.started('r0', 'x'.repeat(2 ** 21)));
    await writer.append(events.finished('r0'));
    expect(await small.run('r0')).toBeDefined();
    void writer.append(events.started('r1'));
    await writer.append(events.finished('r1'));
    expect(await small.run('r0')).toBeUndefined();
    expect(await small.run('r1')).toBeDefined();
  });

  test('refuses to reopen a run that it has forgotten since that was read', async () => {
    void writer.append(events.started('r0'));
    await writer.append(events.finished('r0'));
    const read = (await journal.run('r0'))!;
    for (let n = 1; n <= RETAINED_RUNS; n += 1) {
      void writer.append(events.started(`r${n}`));
      void writer.append(events.finished(`r${n}`));
    }
    expect(await writer.reopen(read)).toBe(false);
    expect(await journal.run('r0')).toBeUndefined();
    // Once it has refused one, it takes others.
    expect(await writer.reopen((await journal.run('r1'))!)).toBe(true);
  });

  test('keeps a run that was reopened from its last end on, and counts it once', async () => {
    void writer.append(events.started('reopened'));
    void writer.append(events.finished('reopened'));
    for (let n = 1; n < RETAINED_RUNS; n += 1) {
      void writer.append(events.started(`r${n}`));
      void writer.append(events.finished(`r${n}`));
    }
    await writer.reopen((await journal.run('reopened'))!);
    await writer.append(events.finished('reopened'));
    expect(await journal.run('r1')).toBeDefined();
    void writer.append(events.started('more'));
    await writer.append(events.finished('more'));
    expect(await journal.run('r1')).toBeUndefined();
    expect(await journal.run('reopened')).toBeDefined();
  });
});
