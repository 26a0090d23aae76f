import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { NewEvent, RunEvent } from '../../src/core/events.js';
import { checksumOf, ROW, type CommitRow } from '../../src/journal/sqlite/commit-row.js';
import { endFileOf } from '../../src/journal/sqlite/log-end.js';
import { SqliteGroup } from '../../src/journal/sqlite/sqlite-group.js';
import { SqliteStore } from '../../src/journal/sqlite/sqlite-store.js';
import { silentRun } from './silent-run.js';
import { storeOptions } from './store-options.js';
import { aboutRun } from '../../src/core/new-event.js';
import type { JournaledRun } from '../../src/run/journaled-run.js';

/** An event as an earlier process has left it, some milliseconds ago. */
export type PastEvent = NewEvent & { readonly agoMs?: number };

const FLAWS = [
  `SELECT 'events are missing', * FROM (SELECT count(*) AS events, max(id) AS last FROM events) WHERE events <> last`,
  `SELECT 'unfinished', * FROM open_runs`,
  `SELECT 'not once', run, type, sub_task, attempt, count(*) FROM events WHERE type <> 'run.erased'
   GROUP BY run, type, sub_task, attempt HAVING count(*) > 1`,
  `SELECT 'outcomes', run, sub_task, count(*) FROM events
   WHERE type IN ('sub-task.succeeded', 'sub-task.failed', 'sub-task.cancelled', 'sub-task.skipped')
   GROUP BY run, sub_task HAVING count(*) > 1`,
  `SELECT 'without a run', * FROM events WHERE run IS NULL AND type <> 'run.erased'`,
  `SELECT 'without an end', run FROM events WHERE type <> 'run.erased'
   GROUP BY run HAVING count(*) FILTER (WHERE type IN ('run.replied', 'run.finished')) <> 2`,
  `SELECT 'other commits', runs.id, runs.commits, found.commits
   FROM runs LEFT JOIN (
     SELECT value ->> '$.runId' AS id, json_group_array(DISTINCT first ORDER BY first) AS commits
     FROM commits CROSS JOIN json_each(events) GROUP BY 1
   ) AS found ON found.id = runs.id WHERE runs.commits IS NOT found.commits`,
];

/** A database that outlives the services that use it, in a directory of its own. */
export class DatabaseFile {
  readonly directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
  private crashes = 0;

  get path(): string {
    return join(this.directory, `runs-${this.crashes}.db`);
  }

  get url(): string {
    return `sqlite:${this.path}`;
  }

  /**
   * Goes on with what a `kill -9` of the service would leave at this moment: the database and its write-ahead log as
   * they are. The service itself goes on with its own.
   */
  crash(): void {
    const { path } = this;
    this.crashes += 1;
    for (const suffix of ['', '-wal'])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, this.path + suffix);
  }

  /** All that is in its files, and in those that crashes have left. */
  bytes(): string {
    return readdirSync(this.directory)
      .map((name) => readFileSync(join(this.directory, name), 'latin1'))
      .join();
  }

  /** Writes what an earlier process has left: the events of runs, in the order of their commits. */
  async write(past: readonly PastEvent[]): Promise<void> {
    const store = SqliteStore.open(storeOptions(this.path));
    store.claim();
    const { lastId } = store.state();
    const group = new SqliteGroup(lastId + 1);
    const runs = new Map<string, JournaledRun>();
    const now = Date.now();
    for (const { agoMs = 0, type, runId, task, ...rest } of past) {
      if (type === 'run.started') runs.set(runId, silentRun(runId, aboutRun(runId, { task, ...rest })));
      const event = { id: 0, type, time: '', runId, task, ...rest } as unknown as RunEvent;
      asIfAt(now - agoMs, () => group.add(runs.get(runId)!, event));
    }
    store.commit(group.rows);
    store.close();
  }

  /** Changes the first row of the log, as if it had been written so. */
  rewrite(change: (events: string) => string): void {
    const file = new DatabaseSync(this.path);
    const row = file.prepare(`SELECT ${ROW} FROM commits ORDER BY first`).get() as unknown as CommitRow;
    const events = change(row.events);
    file
      .prepare('UPDATE commits SET events = ?, checksum = ? WHERE first = ?')
      .run(events, checksumOf({ ...row, events }), row.first);
    file.close();
    rmSync(endFileOf(this.path));
  }

  /** How many runs are committed. */
  runs(): number {
    return this.read('SELECT id FROM runs_and_open').length;
  }

  unfinishedRuns(): number {
    return this.read('SELECT id FROM open_runs').length;
  }

  /** What is wrong with the log: gaps, runs that aren't over, and all that was recorded other than once. Erased runs have no more than their numbers. */
  flaws(): unknown[] {
    return FLAWS.flatMap((sql) => this.read(sql));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  private read(sql: string): unknown[] {
    const file = new DatabaseSync(this.path, { readOnly: true });
    try {
      return file.prepare(sql).all();
    } finally {
      file.close();
    }
  }
}

/** Does something as if it were another time. */
function asIfAt(ms: number, what: () => void): void {
  const { now } = Date;
  Date.now = () => ms;
  try {
    what();
  } finally {
    Date.now = now;
  }
}
