import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { LogSchema } from '../log-schema.js';

/** Marks the file as one of this service's, so that no other program's database is written to by mistake. */
export const APPLICATION_ID = 0x46_52_4e_54; // "FRNT"

/** The tables as the newest migration leaves them. Times are milliseconds since 1970 in UTC. */
export interface Schema extends LogSchema {
  idempotency_keys: LogSchema['idempotency_keys'] & { run: number };
}

/** In order of their names. One that was released is never changed: a change of the tables is a new one. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-runs-and-events': {
    async up(db) {
      await createRuns(db);
      await createEvents(db);
      await createViews(db);
      await sql`PRAGMA application_id = ${sql.lit(APPLICATION_ID)}`.execute(db);
    },
  },
  '0002-history': { up: createHistoryIndexes },
  '0003-idempotency-keys': {
    async up(db) {
      await createIdempotencyKeys(db);
      await showLastOutcomes(db);
    },
  },
  '0004-statistics': { up: createStatistics },
  '0005-hedging': { up: showHeldBackAsUnfinished },
};

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('task', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('finished_at', 'integer')
    .modifyEnd(sql`STRICT`)
    .execute();
  await sql`CREATE INDEX unfinished_runs ON runs (number) WHERE finished_at IS NULL`.execute(db);
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('events')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('run', 'integer', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('time', 'integer', (column) => column.notNull())
    .addColumn('sub_task', 'text')
    .addColumn('attempt', 'integer')
    .addColumn('data', 'text', (column) => column.notNull())
    .modifyEnd(sql`STRICT`)
    .execute();
  await db.schema.createIndex('events_of_run').on('events').column('run').execute();
}

/** Two will do for every filter of the history, see `history-query.ts`: each costs the writer as much as two rows. */
async function createHistoryIndexes(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('runs_of_status').on('runs').columns(['status', 'created_at']).execute();
  await db.schema.createIndex('runs_of_task').on('runs').columns(['task', 'status', 'created_at']).execute();
}

/** Sub-tasks and attempts are what their events add up to; these views show them to whoever looks into the file. */
async function createViews(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE VIEW attempts AS
    SELECT runs.id AS run_id, runs.task, sub_task, attempt,
      min(time) FILTER (WHERE type = 'sub-task.started') AS started_at,
      max(time) FILTER (WHERE type <> 'sub-task.started') AS ended_at,
      coalesce(max(substr(type, 10)) FILTER (WHERE type <> 'sub-task.started'), 'unfinished') AS outcome,
      max(data ->> '$.error.message') AS error
    FROM events JOIN runs ON runs.number = events.run
    WHERE attempt > 0
    GROUP BY run, sub_task, attempt`.execute(db);
  await sql`
    CREATE VIEW sub_tasks AS
    SELECT runs.id AS run_id, runs.task, sub_task, max(attempt) AS attempts,
      coalesce(max(substr(type, 10)) FILTER (WHERE type NOT IN ('sub-task.started', 'sub-task.retrying')), 'unfinished')
        AS outcome,
      max(data -> '$.result') AS result
    FROM events JOIN runs ON runs.number = events.run
    WHERE sub_task IS NOT NULL
    GROUP BY run, sub_task`.execute(db);
}

async function createIdempotencyKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('idempotency_keys')
    .addColumn('client', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('run', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_primary', ['client', 'key'])
    .modifyEnd(sql`STRICT, WITHOUT ROWID`)
    .execute();
  await db.schema.createIndex('keys_by_age').on('idempotency_keys').column('created_at').execute();
}

/** A sub-task that failed may be tried again on request: of several outcomes the last one counts. */
async function showLastOutcomes(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropView('sub_tasks').execute();
  await sql`
    CREATE VIEW sub_tasks AS
    SELECT runs.id AS run_id, runs.task, sub_task, attempt AS attempts,
      iif(type IN ('sub-task.started', 'sub-task.retrying'), 'unfinished', substr(type, 10)) AS outcome,
      max(events.id) AS last_event, data -> '$.result' AS result
    FROM events JOIN runs ON runs.number = events.run
    WHERE sub_task IS NOT NULL
    GROUP BY run, sub_task`.execute(db);
}

async function createStatistics(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('statistics')
    .addColumn('task', 'text', (column) => column.notNull())
    .addColumn('start', 'integer', (column) => column.notNull())
    .addColumn('data', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('statistics_primary', ['task', 'start'])
    .modifyEnd(sql`STRICT, WITHOUT ROWID`)
    .execute();
  await db.schema
    .createTable('counted_events')
    .addColumn('only', 'integer', (column) => column.primaryKey())
    .addColumn('up_to', 'integer', (column) => column.notNull())
    .addColumn('read_from', 'integer', (column) => column.notNull())
    .modifyEnd(sql`STRICT`)
    .execute();
}

/** A sub-task that is held back has yet to begin. */
async function showHeldBackAsUnfinished(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropView('sub_tasks').execute();
  await sql`
    CREATE VIEW sub_tasks AS
    SELECT runs.id AS run_id, runs.task, sub_task, attempt AS attempts,
      iif(type IN ('sub-task.held-back', 'sub-task.started', 'sub-task.retrying'), 'unfinished', substr(type, 10))
        AS outcome,
      max(events.id) AS last_event, data -> '$.result' AS result
    FROM events JOIN runs ON runs.number = events.run
    WHERE sub_task IS NOT NULL
    GROUP BY run, sub_task`.execute(db);
}
