import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { NewEvent, RunEvent } from '../events/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal, RETAINED_RUNS } from './memory-journal.js';

const started = (runId: string, input = ''): NewEvent => ({
  type: 'run.started',
  runId,
  task: 'task',
  data: { input, replyPolicy: { policy: 'first-success' }, losers: 'continue', subTasks: ['a'] },
});
const subTask = { task: 'task', subTask: 'a', attempt: 1 };
const finished = (runId: string): NewEvent => ({
  type: 'run.finished',
  runId,
  task: 'task',
  data: { status: 'succeeded' },
});

describe('MemoryJournal', () => {
  let published: RunEvent[];
  let journal: MemoryJournal;
  beforeEach(() => {
    published = [];
    const bus = new EventBus(new EventEmitter2());
    bus.publish = (events) => void published.push(...events);
    journal = new MemoryJournal(bus);
  });

  test('numbers events in the order of append, and publishes them after their commit, never while append runs', async () => {
    const first = journal.append(started('r1'));
    const second = journal.append({ type: 'sub-task.started', runId: 'r1', ...subTask, data: {} });
    expect(published).toEqual([]);
    await Promise.all([first, second]);
    expect(published.map(({ id, type }) => [id, type])).toEqual([
      [1, 'run.started'],
      [2, 'sub-task.started'],
    ]);
    expect(Date.parse(published[0]!.time)).not.toBeNaN();
  });

  test('keeps the run as its events add up', async () => {
    void journal.append(started('r1', 'in'));
    void journal.append({ type: 'sub-task.started', runId: 'r1', ...subTask, data: {} });
    const error = { code: 'threw', message: 'boom' } as const;
    await journal.append({
      type: 'sub-task.retrying',
      runId: 'r1',
      ...subTask,
      data: { error, delayMs: 5, dueAt: '' },
    });
    expect(await journal.run('r1')).toMatchObject({
      status: 'running',
      input: 'in',
      subTasks: [{ name: 'a', status: 'retrying', attempts: 1, error }],
    });
    void journal.append({ type: 'sub-task.started', runId: 'r1', ...subTask, attempt: 2, data: {} });
    void journal.append({
      type: 'sub-task.succeeded',
      runId: 'r1',
      ...subTask,
      attempt: 2,
      data: { result: 7, durationMs: 9 },
    });
    const reply = { answeredBy: 'a', result: 7 };
    void journal.append({
      type: 'run.replied',
      runId: 'r1',
      task: 'task',
      data: { reply, status: 'succeeded', background: [] },
    });
    await journal.append(finished('r1'));
    expect(await journal.run('r1')).toMatchObject({
      status: 'succeeded',
      reply,
      subTasks: [{ status: 'succeeded', attempts: 2, result: 7, error: undefined, durationMs: 9 }],
    });
  });

  test('forgets the oldest finished runs past its bound, and no unfinished one', async () => {
    void journal.append(started('unfinished'));
    for (let n = 0; n <= RETAINED_RUNS; n += 1) {
      void journal.append(started(`r${n}`));
      void journal.append(finished(`r${n}`));
    }
    await journal.append(started('last'));
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r1')).toBeDefined();
    expect(await journal.run(`r${RETAINED_RUNS}`)).toBeDefined();
    expect(await journal.run('unfinished')).toBeDefined();
  });

  test('forgets large runs sooner, so that memory stays bounded', async () => {
    const large = 'x'.repeat(10 * 2 ** 20);
    for (let n = 0; n < 20; n += 1) {
      void journal.append(started(`r${n}`, large));
      await journal.append(finished(`r${n}`));
    }
    expect(await journal.run('r0')).toBeUndefined();
    expect(await journal.run('r19')).toBeDefined();
  });
});
