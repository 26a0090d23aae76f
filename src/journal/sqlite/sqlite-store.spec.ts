import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { storeOptions } from '../../../test/support/store-options.js';
import { temporaryDirectory } from '../../../test/support/temporary-directory.js';
import { chainedTo, NO_LINK, WRITTEN } from './commit-row.js';
import { rowChecksum } from './row-checksum.js';
import type { StoreOptions } from './sqlite-database.js';
import type { EventGroup } from './sqlite-group.js';
import { migrations } from './sqlite-schema.js';
import { SqliteStore } from './sqlite-store.js';
import { verifyLog } from './verify-log.js';

const directory = temporaryDirectory();
let databases = 0;

const textOf = (id: number) =>
  `{"id":${id},"type":"run.started","time":"","runId":"r${id}","task":"task","data":{}}`;

const started = (id: number) => ({
  id,
  type: 'run.started',
  time: new Date(0).toISOString(),
  runId: `r${id}`,
  task: 'task',
  data: {},
});

/** A group in which each of two runs starts. */
const groupFrom = (firstId: number): EventGroup => ({
  firstId,
  lastId: firstId + 1,
  commits: [firstId, firstId + 1, `[${textOf(firstId)},\n${textOf(firstId + 1)}]`],
  started: [firstId, firstId + 1].flatMap((run) => [run, `r${run}`, 'task', 1, null, null, null]),
  finished: [],
  whole: [],
  reopened: [],
  keys: [],
  labels: [],
});

describe('SqliteStore', () => {
  let store: SqliteStore;
  let options: StoreOptions;
  beforeEach(async () => {
    options = storeOptions(join(directory, `${++databases}.db`), 'power');
    store = SqliteStore.open(options);
    store.claim();
  });
  afterEach(() => {
    store.close();
  });

  test('writes a group once, however often it is asked to', () => {
    store.commit(groupFrom(1));
    store.commit(groupFrom(1));
    expect(store.state()).toEqual({ lastId: 2, openRuns: ['r1', 'r2'] });
    expect(store.run('r1', store.state().lastId)).toEqual({ texts: [textOf(1)], commits: [1] });
  });

  test('moves what it finds in the log to the database before it counts: it may never have been synced', async () => {
    const path = join(directory, 'found.db');
    store.commit(groupFrom(1));
    for (const suffix of ['', '-wal']) copyFileSync(`${directory}/${databases}.db${suffix}`, path + suffix);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    const next = SqliteStore.open(storeOptions(path, 'power'));
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(next.state().lastId).toBe(2);
    next.close();
  });

  test('writes nothing any more once another store has claimed the database, and says whose it is', async () => {
    store.commit(groupFrom(1));
    const other = SqliteStore.open({ ...options, writer: { token: 'other', name: 'another process' } });
    store.commit(groupFrom(3));
    other.claim();
    const kept = { from: 0, to: 9 };
    const writes = [
      () => store.commit(groupFrom(3)),
      () => store.commit(groupFrom(5)),
      () => store.deleteFinished(2, 1),
      () => store.deleteKeys(2, 1),
      () => store.deleteNotes(2, 1),
      () => store.write('removeNote', ['kind', 'a']),
      () => store.saveStatistics({ slices: [], upTo: 1, readFrom: 1 }, kept),
    ];
    for (const write of writes)
      expect(write).toThrow(
        expect.objectContaining({
          kind: 'superseded',
          message: expect.stringMatching(/^is written by another/),
        }),
      );
    expect(other.state().lastId).toBe(4);
    other.close();
  });

  test('refuses a group that would leave a gap behind the last event', () => {
    store.commit(groupFrom(1));
    expect(() => {
      store.commit(groupFrom(4));
    }).toThrow("The log ends with event 2, so event 4 can't be the next");
    expect(store.state()).toEqual({ lastId: 2, openRuns: ['r1', 'r2'] });
  });

  test('writes all of a group or nothing of it', () => {
    store.commit(groupFrom(1));
    const group = groupFrom(3);
    expect(() => {
      store.commit({ ...group, finished: ['succeeded', 'not a time', '[1]', null, null, 1] });
    }).toThrow(/cannot store TEXT value in INTEGER column/);
    expect(store.state()).toEqual({ lastId: 2, openRuns: ['r1', 'r2'] });
    store.commit(group);
    expect(store.state()).toEqual({ lastId: 4, openRuns: ['r1', 'r2', 'r3', 'r4'] });
  });

  test('goes on with runs of a database from before replies and requests were kept, and finds nothing wrong with them', async () => {
    const old = storeOptions(join(directory, 'old.db'), 'power');
    const file = new DatabaseSync(old.path);
    file.exec('CREATE TABLE kysely_migration (name TEXT PRIMARY KEY, timestamp TEXT NOT NULL)');
    for (const [name, apply] of Object.entries(migrations)) {
      if (name >= '0009') break;
      apply(file);
      file.prepare('INSERT INTO kysely_migration VALUES (?, ?)').run(name, '');
    }
    const rows = [
      started(1),
      started(2),
      { ...started(3), type: 'run.finished', runId: 'r1', data: { status: 'failed' } },
    ];
    const commit = [1, 3, `[${rows.map((row) => JSON.stringify(row)).join(',\n')}]`];
    file
      .prepare(`INSERT INTO commits (${WRITTEN}) VALUES (?, ?, ?, ?, ?)`)
      .run(...chainedTo(NO_LINK, commit));
    const start = (run: number) => [run, `r${run}`, 'task', 0, null];
    const end = ['failed', 0, '[1]'];
    file
      .prepare(
        `INSERT INTO runs (number, id, task, created_at, client, checksum, status, finished_at, commits, end_checksum)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...start(1), rowChecksum(start(1)), ...end, rowChecksum(end));
    file
      .prepare(
        'INSERT INTO open_runs (number, id, task, created_at, client, checksum) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(...start(2), rowChecksum(start(2)));
    file.close();
    const upgraded = SqliteStore.open(old);
    upgraded.claim();
    const text = `{"id":4,"type":"run.finished","time":"${new Date(9).toISOString()}","runId":"r2","task":"task","data":{"status":"succeeded"}}`;
    const finished = ['succeeded', 9, '[1,4]', 8, 'a', 2];
    upgraded.commit({ ...groupFrom(4), lastId: 4, commits: [4, 4, `[${text}]`], started: [], finished });
    expect(await upgraded.runs({ limit: 9 })).toMatchObject([
      { id: 'r2', status: 'succeeded', replied_at: 8, answered_by: 'a' },
      { id: 'r1', status: 'failed', replied_at: null, answered_by: null },
    ]);
    upgraded.close();
    expect(verifyLog(old.path).flaws).toEqual([]);
  });

  test('serves no statistics that were not written', () => {
    const slices = [{ task: 'task', start: 1, data: 'told' }];
    store.saveStatistics({ slices, upTo: 1, readFrom: 1 }, { from: 0, to: 9 });
    for (const change of ["UPDATE statistics SET data = 'tolt'", 'UPDATE counted_events SET up_to = 2']) {
      const file = new DatabaseSync(options.path);
      file.exec(change);
      file.close();
      expect(() => store.savedStatistics()).toThrow(/is not what was written/);
      store.saveStatistics({ slices, upTo: 1, readFrom: 1 }, { from: 0, to: 9 });
    }
  });

  test('saves all of the statistics or nothing of them, and can be asked again', () => {
    const kept = { from: 0, to: 9 };
    const slices = [{ task: 'task', start: 1, data: 'before' }];
    store.saveStatistics({ slices, upTo: 1, readFrom: 1 }, kept);
    const changed = { slices: [{ task: 'task', start: 1, data: 'after' }], upTo: 2, readFrom: 2 };
    expect(() => {
      store.saveStatistics({ ...changed, readFrom: 0.5 }, kept);
    }).toThrow(/cannot store REAL value in INTEGER column/);
    expect(store.savedStatistics()).toEqual({ slices, upTo: 1, readFrom: 1 });
    store.saveStatistics(changed, kept);
    store.saveStatistics(changed, kept);
    expect(store.savedStatistics()).toEqual(changed);
  });
});
