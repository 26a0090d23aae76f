import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { events } from '../../test/support/run-events.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal, RETAINED_RUNS } from './memory-journal.js';

describe('MemoryJournal', () => {
  let journal: MemoryJournal;
  beforeEach(() => {
    journal = new MemoryJournal(new EventBus(new EventEmitter2()));
  });

  test('forgets the oldest finished runs past its bound, and no unfinished one', async () => {
    void journal.append(events.started('unfinished'));
    for (let n = 0; n <= RETAINED_RUNS; n += 1) {
      void journal.append(events.started(`r${n}`));
      void journal.append(events.finished(`r${n}`));
    }
    await journal.append(events.started('last'));
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r1')).toBeDefined();
    expect(await journal.run(`r${RETAINED_RUNS}`)).toBeDefined();
    expect(await journal.run('unfinished')).toBeDefined();
  });

  test('forgets large runs sooner, so that memory stays bounded', async () => {
    const large = 'x'.repeat(10 * 2 ** 20);
    for (let n = 0; n < 20; n += 1) {
      void journal.append(events.started(`r${n}`, large));
      await journal.append(events.finished(`r${n}`));
    }
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r19')).toBeDefined();
  });
});
