import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { v7 as uuidv7 } from 'uuid';
import type { RunEvent } from '../../../src/core/events.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { SqliteJournal } from '../../../src/journal/sqlite/sqlite-journal.js';
import type { SqliteJournalOptions } from '../../../src/journal/sqlite/sqlite-options.js';
import { verifyLog } from '../../../src/journal/sqlite/verify-log.js';
import { EventWriter } from '../../support/event-writer.js';
import { events, unfinishedOf } from '../../support/run-events.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const directory = temporaryDirectory();
let databases = 0;

describe('the SQLite journal', () => {
  let path = '';
  let journal: SqliteJournal;
  let writer: EventWriter;
  afterEach(() => journal.close());

  async function open(options: Partial<SqliteJournalOptions> = {}): Promise<RunEvent[]> {
    path = options.path ?? join(directory, `${++databases}.db`);
    const published: RunEvent[] = [];
    const bus = new EventBus(new EventEmitter2());
    bus.publish = (group) => void published.push(...group.map(({ event }) => event));
    journal = await SqliteJournal.open(
      { path, durability: 'power', retentionMs: 0, keyRetentionMs: DAY_MS, ...options },
      bus,
    );
    writer = new EventWriter(journal);
    return published;
  }

  /** What a look into the file from outside finds. */
  function look(sql: string): Record<string, unknown>[] {
    const database = new DatabaseSync(path, { readOnly: true });
    const rows = database.prepare(sql).all();
    database.close();
    return rows;
  }

  test('goes on with its numbering where it was opened before', async () => {
    await open();
    void writer.append(events.started('r1'));
    await writer.append(events.finished('r1'));
    await journal.close();
    await expect(journal.run('r1')).rejects.toMatchObject({ code: 'stopping' });
    const published = await open({ path });
    await writer.append(events.started('r2'));
    expect(published.map(({ id }) => id)).toEqual([3]);
    expect(await journal.run('r1')).toMatchObject({ status: 'succeeded' });
  });

  const rightsIn = (folder: string) =>
    Object.fromEntries(
      readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
    );

  test('leaves its directory and its files to their owner, whatever the umask', async () => {
    const folder = join(directory, 'a', 'b');
    const before = process.umask(0);
    try {
      await open({ path: join(folder, 'runs.db') });
      await writer.append(events.started('r1'));
    } finally {
      process.umask(before);
    }
    expect(rightsIn(join(directory, 'a'))).toEqual({ b: '700' });
    expect(rightsIn(folder)).toEqual({
      'runs.db': '600',
      'runs.db-shm': '600',
      'runs.db-wal': '600',
      'runs.db.end': '600',
      'runs.db.holder': '600',
      'runs.db.lock': '600',
    });
  });

  test.each([
    [0o644, '600'],
    [0o640, '640'],
  ])('takes from others the right to read a database, and leaves that of a group: %o', async (mode, then) => {
    const folder = join(directory, then);
    mkdirSync(folder);
    await open({ path: join(folder, 'runs.db') });
    await journal.close();
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), mode);
    await open({ path: join(folder, 'runs.db') });
    const rights = rightsIn(folder);
    expect(rights).toEqual(Object.fromEntries(Object.keys(rights).map((name) => [name, then])));
    expect(rights).toHaveProperty(['runs.db-wal']);
  });

  test('gives every run that was unfinished when it was opened, page by page, the oldest first', async () => {
    await open();
    const ids = Array.from({ length: 250 }, (_, n) => `r${n}`);
    for (const id of ids) {
      void writer.append(events.started(id, id));
      void writer.append(events.attempt(id));
    }
    for (const id of ids.filter((_, n) => n % 10 === 0)) void writer.append(events.finished(id));
    await journal.drain();
    await journal.close();
    await open({ path });
    await writer.append(events.started('new'));
    const unfinished = await unfinishedOf(journal);
    expect(unfinished.map(({ id }) => id)).toEqual(ids.filter((_, n) => n % 10 !== 0));
    expect(unfinished[0]).toMatchObject({
      input: 'r1',
      firstEventId: 3,
      lastEventId: 4,
      subTasks: [
        { name: 'a', status: 'running', attempts: 1 },
        { name: 'b', status: 'pending' },
      ],
    });
    writer.goOn(unfinished[0]!);
    await writer.append(events.succeeded('r1', 'goes on'));
    expect((await journal.run('r1'))?.subTasks[0]).toMatchObject({ result: 'goes on' });
  });

  test('deletes idempotency keys once they have expired, and gives them to later runs', async () => {
    await open({ keyRetentionMs: 1 });
    const key = { client: '', key: 'k', fingerprint: 'f' };
    await writer.append(events.started('r1'), key);
    await journal.close();
    await open({ path, keyRetentionMs: 1 });
    while (look('SELECT * FROM idempotency_keys').length > 0) await journal.run('r1');
    await journal.close();
    await open({ path });
    await writer.append(events.started('r2'), key);
    await writer.append(events.started('r3'), key);
    expect(await journal.claimKey(key, 'r4')).toMatchObject({ runId: 'r3' });
  });

  test('shows runs, events, sub-tasks and attempts to whoever looks into the file', async () => {
    const published = await open();
    void writer.append(events.started('r1'));
    void writer.append(events.attempt('r1'));
    void writer.append(events.retrying('r1', 'boom'));
    void writer.append(events.attempt('r1', 'a', 2));
    void writer.append(events.attempt('r1', 'b'));
    await writer.append(events.succeeded('r1', [1], 'a', 2));
    expect(look('SELECT id, task, status FROM runs_and_open')).toEqual([
      { id: 'r1', task: 'task', status: 'running' },
    ]);
    expect(look('SELECT id, run, type, sub_task, attempt, data FROM events WHERE id IN (1, 6)')).toEqual([
      {
        ...{ id: 1, run: 1, type: 'run.started', sub_task: null, attempt: null },
        data: JSON.stringify(events.started('r1').data),
      },
      {
        ...{ id: 6, run: 1, type: 'sub-task.succeeded', sub_task: 'a', attempt: 2 },
        data: '{"result":[1],"durationMs":9.5}',
      },
    ]);
    const times = look('SELECT time FROM events').map(({ time }) => new Date(time as number).toISOString());
    expect(times).toEqual(published.map(({ time }) => time));
    expect(look('SELECT sub_task, attempt, outcome, error FROM attempts')).toEqual([
      { sub_task: 'a', attempt: 1, outcome: 'retrying', error: 'boom' },
      { sub_task: 'a', attempt: 2, outcome: 'succeeded', error: null },
      { sub_task: 'b', attempt: 1, outcome: 'unfinished', error: null },
    ]);
    expect(look('SELECT sub_task, attempts, outcome, result FROM sub_tasks')).toEqual([
      { sub_task: 'a', attempts: 2, outcome: 'succeeded', result: '[1]' },
      { sub_task: 'b', attempts: 1, outcome: 'unfinished', result: null },
    ]);
  });

  test('refuses a second journal on the same file, naming the process that has it, until the first is closed', async () => {
    await open();
    const first = journal;
    await expect(open({ path })).rejects.toThrow(
      new RegExp(
        `^DATABASE_URL: the database ${path} is in use by the process ${process.pid} on \\S+ since `,
      ),
    );
    await first.close();
    await open({ path });
  });

  test('is one for a file and for a link to it, also where the link was there before the file', async () => {
    const file = join(directory, 'linked.db');
    const link = join(directory, 'link.db');
    symlinkSync(file, link);
    await open({ path: link });
    const first = journal;
    await expect(open({ path: file })).rejects.toThrow(/in use by the process/);
    await expect(open({ path: link })).rejects.toThrow(/in use by the process/);
    journal = first;
  });

  describe('erases a run', () => {
    const filesHave = (text: string) =>
      ['', '-wal'].map((suffix) => readFileSync(path + suffix).includes(text));

    /** Adds runs that share a commit, each with texts that no other has: one in a row of its own pages, and a short one. */
    async function add(...runIds: readonly string[]): Promise<void> {
      for (const id of runIds) {
        void writer.append({ ...events.started(id, `input of ${id}`), labels: { of: `label-${id}` } });
        void writer.append(events.succeeded(id, `result of ${id} `.repeat(600)));
        void writer.append(events.finished(id));
      }
      await journal.drain();
    }

    test('from the file and its write-ahead log, also what a change of its row had left of it', async () => {
      await open();
      await add('r1', 'r2', 'r3');
      expect(filesHave('of r2')).toContain(true);
      expect(await journal.erase('r1')).toBe(true);
      expect(await journal.erase('r2')).toBe(true);
      for (const id of ['r1', 'r2'])
        for (const text of [`input of ${id}`, `result of ${id}`, `label-${id}`])
          expect([text, ...filesHave(text)]).toEqual([text, false, false]);
      expect(filesHave('result of r3')).toContain(true);
      expect(await journal.run('r3')).toMatchObject({ input: 'input of r3' });
      await add('r4');
      await journal.close();
      expect(verifyLog(path)).toEqual({ events: 12, lastId: 12, flaws: [] });
      await open({ path });
      expect(await journal.run('r2')).toBeUndefined();
      expect((await journal.events({ after: 0, limit: 6 })).events.map(({ type }) => type)).toEqual(
        Array(6).fill('run.erased'),
      );
    });

    test('from the log as soon as another program has read what it is at', async () => {
      await open();
      await add('r1');
      const other = new DatabaseSync(path, { readOnly: true });
      other.exec('BEGIN');
      other.prepare('SELECT count(*) FROM commits').get();
      expect(await journal.erase('r1')).toBe(true);
      expect(filesHave('of r1')).toContain(true);
      other.close();
      while (filesHave('of r1').includes(true)) await new Promise((resolve) => setTimeout(resolve, 20));
    });

    test('as one step: what fails leaves all of it', async () => {
      await open();
      await add('r1');
      const other = new DatabaseSync(path);
      other.exec(`CREATE TRIGGER no BEFORE INSERT ON erased_runs BEGIN SELECT raise(ABORT, 'no'); END`);
      await expect(journal.erase('r1')).rejects.toMatchObject({ code: 'journal-unavailable' });
      expect(await journal.run('r1')).toMatchObject({ input: 'input of r1' });
      other.exec('DROP TRIGGER no');
      other.close();
      expect(await journal.erase('r1')).toBe(true);
    });
  });

  describe('with a retention', () => {
    /** The newest of those that are old, so the last to be deleted. */
    let old: string;
    beforeEach(() => {
      old = uuidv7({ msecs: Date.now() - 20 * HOUR_MS + 60_000 });
    });

    /** Resolves when the journal has looked for old runs once. */
    async function lookedForOldRuns(): Promise<void> {
      const gone = (): boolean => look(`SELECT 1 FROM runs WHERE id = '${old}'`).length === 0;
      while (!gone()) await new Promise((resolve) => setImmediate(resolve));
    }

    async function writeRuns(): Promise<{ recent: string; unfinished: string; last: string }> {
      const [recent, last] = [uuidv7(), uuidv7()];
      const unfinished = uuidv7({ msecs: Date.now() - 30 * HOUR_MS });
      const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 20 * HOUR_MS);
      void writer.append(events.started(unfinished));
      for (let n = 0; n < 250; n += 1) {
        const id = uuidv7({ msecs: Date.now() - n - 1 });
        void writer.append(events.started(id));
        void writer.append(events.finished(id));
      }
      void writer.append(events.started(old));
      void writer.append(events.finished(old));
      now.mockRestore();
      for (const id of [recent, last]) {
        void writer.append(events.started(id));
        void writer.append(events.finished(id));
      }
      await journal.drain();
      await journal.close();
      return { recent, unfinished, last };
    }

    test('deletes runs that finished before it with their events, in batches, and no others', async () => {
      await open();
      const { recent, unfinished, last } = await writeRuns();
      await open({ path, retentionMs: 10 * HOUR_MS });
      await lookedForOldRuns();
      expect(look('SELECT id FROM runs_and_open').map(({ id }) => id)).toEqual(
        expect.arrayContaining([unfinished, recent, last]),
      );
      expect(look('SELECT count(*) AS n FROM runs_and_open')).toEqual([{ n: 3 }]);
      expect(look('SELECT count(*) AS n FROM events')).toEqual([{ n: 5 }]);
      const { events: left, next } = await journal.events({ after: 1, limit: 10 });
      expect([left.map(({ runId }) => runId), next]).toEqual([[recent, recent, last, last], 507]);
    });

    test('keeps the row of the last event without its text, so that no number is given twice', async () => {
      await open();
      const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 20 * HOUR_MS);
      const last = uuidv7({ msecs: Date.now() });
      for (const id of [old, last]) {
        void writer.append(events.started(id));
        void writer.append(events.finished(id));
      }
      now.mockRestore();
      await journal.drain();
      await journal.close();
      await open({ path, retentionMs: 10 * HOUR_MS });
      await lookedForOldRuns();
      await journal.close();
      expect(look('SELECT first, last, events FROM commits')).toEqual([{ first: 1, last: 4, events: '[]' }]);
      const published = await open({ path });
      await writer.append(events.started('next'));
      expect(published.map(({ id }) => id)).toEqual([5]);
    });

    test('deletes nothing at once when the clock is far ahead of the newest run, and says so', async () => {
      await open();
      await writeRuns();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      const now = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 40 * DAY_MS);
      await open({ path, retentionMs: 10 * HOUR_MS });
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^The clock says .* no old runs or keys are deleted/)],
      ]);
      // The writer does one thing after the other, and so has looked for old runs by now.
      void writer.append(events.started('r1'));
      await journal.drain();
      now.mockRestore();
      warn.mockRestore();
      expect(look('SELECT count(*) AS n FROM runs_and_open')).toEqual([{ n: 255 }]);
    });

    test('deletes what is left of runs that were erased', async () => {
      await open();
      await writeRuns();
      await open({ path });
      expect(await journal.erase(old)).toBe(true);
      expect(look('SELECT id FROM erased_runs')).toEqual([{ id: old }]);
      await journal.close();
      await open({ path, retentionMs: 10 * HOUR_MS });
      while (look('SELECT id FROM erased_runs').length > 0) await journal.run(old);
      expect(look(`SELECT id FROM events WHERE type = 'run.erased'`)).toEqual([]);
    });

    test('of 0 keeps everything', async () => {
      await open();
      await writeRuns();
      await open({ path, retentionMs: 0 });
      expect(await journal.run(old)).toBeDefined();
      expect(look('SELECT count(*) AS n FROM runs_and_open')).toEqual([{ n: 254 }]);
    });
  });
});
