import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { LogSchema } from '../log-schema.js';
import { createCommitGroup } from './postgres-commit-function.js';

/** Where the tables are: beside whatever else is in the database. */
export const SCHEMA = 'frontrunner';

/** The tables as the newest migration leaves them. Times are milliseconds since 1970 in UTC but for `seen_at`. */
export interface Schema extends LogSchema {
  runs: LogSchema['runs'] & {
    /** The node that follows it, or followed it last. */
    node: string;
  };
  idempotency_keys: LogSchema['idempotency_keys'] & {
    run_id: string;
    /** The node that starts the run. */
    node: string;
  };
  nodes: {
    id: string;
    role: string;
    /** By the clock of the database, the only one that all nodes share. */
    seen_at: Date;
    /** The last group that it has committed, and what became of that: how an answer that got lost is known. */
    last_group: number;
    last_first_id: number | null;
    last_refused: number[] | null;
    /** How many sub-tasks it could take on. */
    free_slots: number;
    /** The tasks that it knows. */
    tasks: string[];
  };
  /** The sub-tasks that left the node of their run. Whoever changes one of these rows decides what is recorded. */
  placed: {
    run: number;
    sub_task: string;
    /** The attempt that counts: what others report is fenced out. */
    attempt: number;
    /** The node that executes it; null while it is on its way. */
    node: string | null;
    /** How often a node took it on. */
    deliveries: number;
    /** Whether only nodes that take work may take it. */
    worker: boolean;
    /** When it was to be with a node that takes it on. */
    due_at: Date;
  };
  /** What callers asked of a run through a node that doesn't follow it. */
  commands: {
    id: number;
    run: number;
    kind: string;
    sub_task: string | null;
  };
  compatibility: {
    only: boolean;
    /** The oldest version of the tables' users that may run on them. */
    minimum: number;
  };
  log_head: {
    only: boolean;
    /** The id of the last event. */
    last_id: number;
  };
}

/**
 * In order of their names, each in a transaction of its own, once for all nodes. Nodes of the version before go on meanwhile: a
 * migration adds (expand), and what it makes needless is dropped by a later one, when no node uses it any more (contract);
 * only that one raises the minimum in `compatibility`. One that was released is never changed.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-log': {
    async up(db) {
      await createLog(db);
      await createHistoryIndexes(db);
      await createViews(db);
    },
  },
  '0002-nodes': {
    async up(db) {
      await createNodes(db);
      await createPlaced(db);
      await createCommitGroup(db);
    },
  },
  '0003-idempotency-keys': { up: createIdempotencyKeys },
  '0004-statistics': { up: createStatistics },
};

/** The version of the tables' users that this code is: how many migrations it knows. */
export const VERSION = Object.keys(migrations).length;

async function createLog(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE frontrunner.compatibility (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), minimum integer NOT NULL)`.execute(db);
  await sql`INSERT INTO frontrunner.compatibility (minimum) VALUES (1)`.execute(db);
  await sql`
    CREATE TABLE frontrunner.log_head (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), last_id bigint NOT NULL)`.execute(db);
  await sql`INSERT INTO frontrunner.log_head (last_id) VALUES (0)`.execute(db);
  await sql`
    CREATE TABLE frontrunner.runs (
      number bigint PRIMARY KEY,
      id text COLLATE "C" NOT NULL UNIQUE,
      task text COLLATE "C" NOT NULL,
      status text COLLATE "C" NOT NULL,
      created_at bigint NOT NULL,
      finished_at bigint,
      node text COLLATE "C" NOT NULL)`.execute(db);
  await sql`
    CREATE INDEX unfinished_runs ON frontrunner.runs (node, number) WHERE finished_at IS NULL`.execute(db);
  await sql`
    CREATE TABLE frontrunner.events (
      id bigint PRIMARY KEY,
      run bigint NOT NULL,
      type text COLLATE "C" NOT NULL,
      time bigint NOT NULL,
      sub_task text COLLATE "C",
      attempt integer,
      data text NOT NULL)`.execute(db);
  await sql`CREATE INDEX events_of_run ON frontrunner.events (run, id)`.execute(db);
}

async function createHistoryIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX runs_of_status ON frontrunner.runs (status, created_at, number)`.execute(db);
  await sql`CREATE INDEX runs_of_task ON frontrunner.runs (task, status, created_at, number)`.execute(db);
}

/** Sub-tasks and attempts are what their events add up to; these views show them to whoever looks into the database. */
async function createViews(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE VIEW frontrunner.attempts AS
    SELECT runs.id AS run_id, runs.task, sub_task, attempt,
      min(time) FILTER (WHERE type = 'sub-task.started') AS started_at,
      max(time) FILTER (WHERE type <> 'sub-task.started') AS ended_at,
      coalesce(max(substr(type, 10)) FILTER (WHERE type <> 'sub-task.started'), 'unfinished') AS outcome,
      max(data::json #>> '{error,message}') AS error
    FROM frontrunner.events JOIN frontrunner.runs ON runs.number = events.run
    WHERE attempt > 0
    GROUP BY runs.id, runs.task, sub_task, attempt`.execute(db);
  await sql`
    CREATE VIEW frontrunner.sub_tasks AS
    SELECT DISTINCT ON (run, sub_task) runs.id AS run_id, runs.task, sub_task, attempt AS attempts,
      CASE WHEN type IN ('sub-task.held-back', 'sub-task.started', 'sub-task.retrying') THEN 'unfinished'
        ELSE substr(type, 10) END AS outcome,
      events.id AS last_event, data::json -> 'result' AS result
    FROM frontrunner.events JOIN frontrunner.runs ON runs.number = events.run
    WHERE sub_task IS NOT NULL
    ORDER BY run, sub_task, events.id DESC`.execute(db);
}

async function createNodes(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE frontrunner.nodes (
      id text COLLATE "C" PRIMARY KEY,
      role text NOT NULL,
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      last_group bigint NOT NULL DEFAULT 0,
      last_first_id bigint,
      last_refused integer[],
      free_slots integer NOT NULL DEFAULT 0,
      tasks text[] NOT NULL DEFAULT '{}') WITH (fillfactor = 50)`.execute(db);
}

async function createPlaced(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE frontrunner.placed (
      run bigint NOT NULL,
      sub_task text COLLATE "C" NOT NULL,
      attempt integer NOT NULL,
      node text COLLATE "C",
      deliveries integer NOT NULL DEFAULT 0,
      worker boolean NOT NULL,
      due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (run, sub_task))`.execute(db);
  await sql`CREATE INDEX placed_on_nodes ON frontrunner.placed (node) WHERE node IS NOT NULL`.execute(db);
  await sql`
    CREATE TABLE frontrunner.commands (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      run bigint NOT NULL,
      kind text NOT NULL,
      sub_task text COLLATE "C")`.execute(db);
}

async function createIdempotencyKeys(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE frontrunner.idempotency_keys (
      client text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      fingerprint text NOT NULL,
      run_id text COLLATE "C" NOT NULL,
      node text COLLATE "C" NOT NULL,
      created_at bigint NOT NULL,
      PRIMARY KEY (client, key))`.execute(db);
  await sql`CREATE INDEX keys_by_age ON frontrunner.idempotency_keys (created_at)`.execute(db);
}

async function createStatistics(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE frontrunner.statistics (
      task text COLLATE "C" NOT NULL,
      start bigint NOT NULL,
      data text NOT NULL,
      PRIMARY KEY (task, start))`.execute(db);
  await sql`
    CREATE TABLE frontrunner.counted_events (
      "only" integer PRIMARY KEY,
      up_to bigint NOT NULL,
      read_from bigint NOT NULL)`.execute(db);
}
