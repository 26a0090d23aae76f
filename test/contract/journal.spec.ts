import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { RunEvent } from '../../src/events/catalog.js';
import { EventBus } from '../../src/events/event-bus.js';
import type { Journal } from '../../src/journal/journal.js';
import { MemoryJournal } from '../../src/journal/memory-journal.js';
import { SqliteJournal } from '../../src/journal/sqlite-journal.js';
import { events, unfinishedOf } from '../support/run-events.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const directory = temporaryDirectory();
let databases = 0;

const implementations: Record<string, (bus: EventBus) => Journal | Promise<Journal>> = {
  memory: (bus) => new MemoryJournal(bus),
  SQLite: (bus) => {
    const path = join(directory, `${++databases}.db`);
    return SqliteJournal.open({ path, durability: 'power', retentionMs: 0 }, bus);
  },
};

describe.each(Object.keys(implementations))('the %s journal', (name) => {
  let published: RunEvent[];
  let onPublish: (events: readonly RunEvent[]) => void;
  let journal: Journal;
  beforeEach(async () => {
    published = [];
    onPublish = () => undefined;
    const bus = new EventBus(new EventEmitter2());
    bus.publish = (group) => {
      published.push(...group);
      onPublish(group);
    };
    journal = await implementations[name]!(bus);
  });
  afterEach(async () => {
    await journal.drain();
    await journal.close();
  });

  test('numbers events from 1 in the order of append, and publishes them in it', async () => {
    const committed = ['r1', 'r2', 'r3'].flatMap((runId) => [
      journal.append(events.started(runId)),
      journal.append(events.attempt(runId)),
    ]);
    await Promise.all(committed);
    void journal.append(events.finished('r2'));
    await journal.drain();
    expect(published.map(({ id, runId, type }) => [id, runId, type])).toEqual([
      [1, 'r1', 'run.started'],
      [2, 'r1', 'sub-task.started'],
      [3, 'r2', 'run.started'],
      [4, 'r2', 'sub-task.started'],
      [5, 'r3', 'run.started'],
      [6, 'r3', 'sub-task.started'],
      [7, 'r2', 'run.finished'],
    ]);
    for (const { time } of published) expect(new Date(time).toISOString()).toBe(time);
  });

  test('publishes nothing while append runs, and has published what it says is committed', async () => {
    const committed = journal.append(events.started('r1'));
    expect(published).toEqual([]);
    await committed;
    expect(published.map(({ type }) => type)).toEqual(['run.started']);
  });

  test('takes what is appended while it publishes, and drains that too', async () => {
    onPublish = (group) => {
      for (const { type, runId } of group)
        if (type === 'run.started') queueMicrotask(() => void journal.append(events.attempt(runId)));
    };
    for (let n = 0; n < 500; n += 1) void journal.append(events.started(`r${n}`));
    await journal.drain();
    expect(published).toHaveLength(1000);
    expect(published.map(({ id }) => id)).toEqual(published.map((_, index) => index + 1));
  });

  test('shows a run with all that was appended to it so far', async () => {
    void journal.append(events.started('r1', { list: ['ü', 1.5, null] }));
    void journal.append(events.attempt('r1'));
    void journal.append(events.retrying('r1', 'boom'));
    expect(await journal.run('r1')).toMatchObject({
      id: 'r1',
      task: 'task',
      status: 'running',
      input: { list: ['ü', 1.5, null] },
      losers: 'continue',
      reply: null,
      subTasks: [
        {
          name: 'a',
          status: 'retrying',
          attempts: 1,
          failures: 1,
          retryAt: '2026-01-01T00:00:00.000Z',
          error: { code: 'threw', message: 'boom' },
        },
        { name: 'b', status: 'pending', attempts: 0, startedAt: null },
      ],
    });
    void journal.append(events.attempt('r1', 'a', 2));
    void journal.append(events.succeeded('r1', { deep: [7] }, 'a', 2));
    void journal.append(events.replied('r1', { deep: [7] }));
    void journal.append(events.finished('r1'));
    const run = await journal.run('r1');
    expect(run).toMatchObject({
      status: 'succeeded',
      reply: { answeredBy: 'a', result: { deep: [7] } },
      subTasks: [
        { status: 'succeeded', attempts: 2, retryAt: null, result: { deep: [7] }, durationMs: 9.5 },
        { status: 'pending' },
      ],
    });
    expect([run?.createdAt, run?.repliedAt, run?.finishedAt]).toEqual([
      published[0]!.time,
      published[5]!.time,
      published[6]!.time,
    ]);
  });

  test('knows no run that was not started', async () => {
    expect(await journal.run('r1')).toBeUndefined();
    expect(await journal.run("' OR 1 = 1 --")).toBeUndefined();
  });

  test('takes no event of a run that was not started or is finished', async () => {
    expect(() => journal.append(events.attempt('r1'))).toThrow('The run r1 is not open');
    void journal.append(events.started('r1'));
    void journal.append(events.finished('r1'));
    expect(() => journal.append(events.succeeded('r1', 'late'))).toThrow('The run r1 is not open');
    await journal.drain();
    expect(published.map(({ id, type }) => [id, type])).toEqual([
      [1, 'run.started'],
      [2, 'run.finished'],
    ]);
  });

  test('has nothing unfinished of an earlier process when it begins empty', async () => {
    void journal.append(events.started('r1'));
    expect(await unfinishedOf(journal)).toEqual([]);
  });

  test('takes new runs', () => {
    expect(journal.obstacle).toBeUndefined();
  });
});
