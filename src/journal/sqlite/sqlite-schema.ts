import { randomBytes, randomInt } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { createWebhookDeliveries } from './delivery-rows.js';
import { createNotes } from './note-rows.js';
import { createWithdrawnTokens } from './token-rows.js';
import { createWebhooks } from './webhook-rows.js';

/** Identifies the file as a database of this service, so that no other program's database is overwritten. */
export const APPLICATION_ID = 0x46_52_4e_54; // "FRNT"

/** Migrations that only databases from before the first release have. Those had a row for each event, or rows without checksums. */
export const OBSOLETE_MIGRATIONS = ['0001-runs-and-events', '0001-commits'];

/**
 * In order of their names. A migration that was released is never changed: a change of the tables is a new migration. Times are
 * milliseconds since 1970 in UTC. Tables refer to a run by its `number`, the id of its `run.started` event.
 */
export const migrations: Readonly<Record<string, (database: DatabaseSync) => void>> = {
  '0001-log': (database) => {
    createWriter(database);
    createCommits(database);
    createRuns(database);
    createIdempotencyKeys(database);
    createStatistics(database);
    createViews(database);
    // Gives the log a number that tells it from others.
    database.exec(`PRAGMA user_version = ${randomInt(1, 2 ** 31)}`);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  },
  '0002-clients': addClients,
  '0003-labels': addLabels,
  '0004-erased-runs': addErasedRuns,
  // The new views have progress too.
  '0005-progress': createViews,
  '0006-token-secret': createTokenSecret,
  '0007-checksums': addChecksums,
  '0008-run-checksums': addRunChecksums,
  '0009-replies-and-origins': addRepliesAndOrigins,
  '0010-withdrawn-tokens': createWithdrawnTokens,
  '0011-webhooks': (database) => {
    createWebhooks(database);
    createWebhookDeliveries(database);
  },
  '0012-notes': createNotes,
};

/** A row for each label of a run, as `name:value`. Runs without cost nothing. */
function addLabels(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE run_labels (
      label TEXT NOT NULL,
      labelled_at INTEGER NOT NULL,
      run INTEGER NOT NULL,
      PRIMARY KEY (label, labelled_at, run)
    ) STRICT, WITHOUT ROWID`);
  database.exec(`CREATE INDEX labels_of_run ON run_labels (run)`);
}

/** Erased runs: only the numbers and times of their events are left, until retention deletes them. */
function addErasedRuns(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE erased_runs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      finished_at INTEGER NOT NULL,
      commits TEXT NOT NULL
    ) STRICT`);
}

/** One row, which names the journal that writes the database. */
function createWriter(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE writer (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      token TEXT NOT NULL,
      name TEXT NOT NULL
    ) STRICT`);
}

/** Adds checksums to the tables whose content the log doesn't have. Earlier rows have none. */
function addChecksums(database: DatabaseSync): void {
  for (const table of ['idempotency_keys', 'statistics', 'counted_events'])
    database.exec(`ALTER TABLE ${table} ADD COLUMN checksum INTEGER`);
}

/**
 * Adds checksums to the tables that lists of runs show. Earlier rows have none. `checksum` covers `number, id, task, created_at, client`,
 * and is one higher while the run is set aside. `end_checksum` covers `status, finished_at, commits`.
 */
function addRunChecksums(database: DatabaseSync): void {
  for (const table of ['open_runs', 'runs', 'run_labels'])
    database.exec(`ALTER TABLE ${table} ADD COLUMN checksum INTEGER`);
  database.exec(`ALTER TABLE runs ADD COLUMN end_checksum INTEGER`);
}

/**
 * Adds what lists of runs show of replies, and the requests that started runs; null in earlier rows. Runs without a request, or without a
 * trace, cost its index nothing. `checksum` covers `request_id, trace_id` too, and `end_checksum` covers `replied_at, answered_by`, as
 * far as they aren't null.
 */
function addRepliesAndOrigins(database: DatabaseSync): void {
  for (const table of ['open_runs', 'runs'])
    for (const column of ['request_id', 'trace_id'])
      database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`);
  database.exec(`ALTER TABLE runs ADD COLUMN replied_at INTEGER`);
  database.exec(`ALTER TABLE runs ADD COLUMN answered_by TEXT`);
  database.exec(`
    CREATE INDEX runs_of_request ON runs (request_id, status, created_at) WHERE request_id IS NOT NULL`);
  database.exec(`
    CREATE INDEX runs_of_trace ON runs (trace_id, status, created_at) WHERE trace_id IS NOT NULL`);
}

/** Adds the client that started a run; null where no API key was needed. Runs without a client cost the index nothing. */
function addClients(database: DatabaseSync): void {
  for (const table of ['open_runs', 'runs']) database.exec(`ALTER TABLE ${table} ADD COLUMN client TEXT`);
  database.exec(`
    CREATE INDEX runs_of_client ON runs (client, status, created_at) WHERE client IS NOT NULL`);
}

/** One row, with the secret that signs tokens. */
function createTokenSecret(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE token_secret (only INTEGER PRIMARY KEY CHECK (only = 1), secret TEXT NOT NULL) STRICT`);
  const secret = randomBytes(32).toString('hex');
  database.exec(`INSERT INTO token_secret VALUES (1, '${secret}')`);
}

/**
 * A row for each commit: the ids of its first and last event, and the texts of all its events as a JSON array, one on each line. The ids
 * have no gaps. `checksum` covers the whole row. `previous` is the link of the row before. The link of a row is the checksum with which
 * it was first written. Where retention has changed the row, that one is kept in `link`.
 */
function createCommits(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE commits (
      first INTEGER PRIMARY KEY,
      last INTEGER NOT NULL,
      events TEXT NOT NULL,
      previous INTEGER NOT NULL,
      link INTEGER,
      checksum INTEGER NOT NULL
    ) STRICT`);
}

/**
 * A run is in `open_runs` until it finishes, and then in `runs`. For `starts` and `set_aside` see `started-over.ts`. `commits` is a JSON
 * array: the `first` of each commit that has events of the run. Three indexes, and one for the runs of clients, suffice for every filter
 * of the history (see `history-query.ts`). Each further index would cost the writer a row.
 */
function createRuns(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE open_runs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      task TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      starts INTEGER NOT NULL DEFAULT 0,
      set_aside INTEGER NOT NULL DEFAULT 0
    ) STRICT`);
  database.exec(`CREATE INDEX open_runs_by_age ON open_runs (created_at)`);
  database.exec(`
    CREATE TABLE runs (
      number INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      task TEXT NOT NULL,
      status TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      finished_at INTEGER NOT NULL,
      commits TEXT NOT NULL
    ) STRICT`);
  database.exec(`CREATE INDEX runs_of_status ON runs (status, created_at)`);
  database.exec(`CREATE INDEX runs_of_task ON runs (task, status, created_at)`);
}

function createIdempotencyKeys(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE idempotency_keys (
      client TEXT NOT NULL,
      key TEXT NOT NULL,
      fingerprint TEXT NOT NULL,
      run INTEGER NOT NULL,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (client, key)
    ) STRICT, WITHOUT ROWID`);
  database.exec(`CREATE INDEX keys_by_age ON idempotency_keys (created_at)`);
}

function createStatistics(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE statistics (
      task TEXT NOT NULL,
      start INTEGER NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (task, start)
    ) STRICT, WITHOUT ROWID`);
  database.exec(`
    CREATE TABLE counted_events (
      only INTEGER PRIMARY KEY,
      up_to INTEGER NOT NULL,
      read_from INTEGER NOT NULL
    ) STRICT`);
}

/** Creates views of runs, events, attempts and sub-tasks for people who look into the file. The service doesn't read them. */
function createViews(database: DatabaseSync): void {
  for (const view of ['runs_and_open', 'events', 'attempts', 'sub_tasks'])
    database.exec(`DROP VIEW IF EXISTS ${view}`);
  database.exec(`
    CREATE VIEW runs_and_open AS
    SELECT number, id, task, status, created_at, finished_at FROM runs
    UNION ALL
    SELECT number, id, task, iif(set_aside = 1, 'set-aside', 'running'), created_at, NULL FROM open_runs`);
  database.exec(`
    CREATE VIEW events AS
    SELECT value ->> '$.id' AS id,
      coalesce(
        (SELECT number FROM runs WHERE runs.id = value ->> '$.runId'),
        (SELECT number FROM open_runs WHERE open_runs.id = value ->> '$.runId')) AS run,
      value ->> '$.runId' AS run_id, value ->> '$.task' AS task, value ->> '$.type' AS type,
      CAST(round(unixepoch(value ->> '$.time', 'subsec') * 1000) AS INTEGER) AS time,
      value ->> '$.subTask' AS sub_task, value ->> '$.attempt' AS attempt, value -> '$.data' AS data
    FROM commits CROSS JOIN json_each(commits.events)`);
  database.exec(`
    CREATE VIEW attempts AS
    SELECT run_id, task, sub_task, attempt,
      min(time) FILTER (WHERE type = 'sub-task.started') AS started_at,
      max(time) FILTER (WHERE type NOT IN ('sub-task.started', 'sub-task.progressed', 'sub-task.streamed')) AS ended_at,
      coalesce(max(substr(type, 10)) FILTER (WHERE type NOT IN ('sub-task.started', 'sub-task.progressed', 'sub-task.streamed')), 'unfinished') AS outcome,
      max(data ->> '$.error.message') AS error
    FROM events
    WHERE attempt > 0
    GROUP BY run_id, sub_task, attempt`);
  // A failed sub-task may be tried again on request, so the last of several outcomes counts.
  database.exec(`
    CREATE VIEW sub_tasks AS
    SELECT run_id, task, sub_task, attempt AS attempts,
      iif(type IN ('sub-task.held-back', 'sub-task.started', 'sub-task.progressed', 'sub-task.streamed', 'sub-task.retrying'), 'unfinished', substr(type, 10))
        AS outcome,
      max(id) AS last_event, data -> '$.result' AS result
    FROM events
    WHERE sub_task IS NOT NULL
    GROUP BY run_id, sub_task`);
}
