import { sql, type Kysely } from 'kysely';

/** Unfinished runs that no live node can continue, because none knows their task or one of their sub-tasks. */
export interface WaitingRun {
  run: number;
  /** Since when the run waits, by the database's clock. */
  since: Date;
  /** Whether the run has waited for too long. No node continues it then until an operator has looked into it. */
  dead: boolean;
}

/** Creates the tables that nodes and operators need besides the log. */
export async function createOperationTables(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE waiting_runs (
      run bigint PRIMARY KEY,
      since timestamptz NOT NULL DEFAULT clock_timestamp(),
      dead boolean NOT NULL DEFAULT false)`.execute(db);
  await sql`
    CREATE TABLE paused_tasks (
      task text COLLATE "C" PRIMARY KEY,
      since timestamptz NOT NULL DEFAULT clock_timestamp())`.execute(db);
  await sql`
    ALTER TABLE nodes
      ADD COLUMN draining boolean NOT NULL DEFAULT false,
      ADD COLUMN skew_ms double precision NOT NULL DEFAULT 0,
      ADD COLUMN lag_ms double precision NOT NULL DEFAULT 0`.execute(db);
  // The run may have finished before the command is carried out, so the command keeps the run's id.
  await sql`ALTER TABLE commands ADD COLUMN run_id text COLLATE "C" NOT NULL DEFAULT ''`.execute(db);
}

/** A run that a caller's transaction has requested, until the run begins. */
export interface RequestedRun {
  id: string;
  task: string;
  /** The node that is to begin the run; empty when any node may. */
  node: string;
  /** The terms of the run, as JSON. */
  terms: string;
}

export async function createRequestedRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE requested_runs (
      id text COLLATE "C" PRIMARY KEY,
      task text COLLATE "C" NOT NULL,
      node text COLLATE "C" NOT NULL,
      terms text NOT NULL)`.execute(db);
}

/** Creates the table of the queues from which no node takes work. */
export async function createPausedQueues(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE paused_queues (
      queue text COLLATE "C" PRIMARY KEY,
      since timestamptz NOT NULL DEFAULT clock_timestamp())`.execute(db);
}

/** Adds the columns for runs over which nodes die. */
export async function addSetAside(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE open_runs
      ADD COLUMN takeovers integer NOT NULL DEFAULT 0,
      ADD COLUMN taken_at timestamptz,
      ADD COLUMN set_aside boolean NOT NULL DEFAULT false`.execute(db);
}
