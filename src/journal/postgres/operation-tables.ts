import { sql, type Kysely } from 'kysely';

/** Unfinished runs that no node can go on with, because none that lives knows their task or one of their sub-tasks. */
export interface WaitingRun {
  run: number;
  /** By the clock of the database. */
  since: Date;
  /** Whether it waited for too long: then nobody goes on with it before somebody has looked into it. */
  dead: boolean;
}

/** What nodes and operators need besides the log. */
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
  // The run may have finished by the time that somebody does what was asked.
  await sql`ALTER TABLE commands ADD COLUMN run_id text COLLATE "C" NOT NULL DEFAULT ''`.execute(db);
}

/** A run that a transaction of a caller has asked for, until it begins. */
export interface RequestedRun {
  id: string;
  task: string;
  /** The node that is to begin it; empty when any may. */
  node: string;
  /** What it was asked for, as JSON. */
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

/** The queues that no node takes from. */
export async function createPausedQueues(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE paused_queues (
      queue text COLLATE "C" PRIMARY KEY,
      since timestamptz NOT NULL DEFAULT clock_timestamp())`.execute(db);
}

/** What runs need that nodes die over. */
export async function addSetAside(db: Kysely<unknown>): Promise<void> {
  await sql`
    ALTER TABLE open_runs
      ADD COLUMN takeovers integer NOT NULL DEFAULT 0,
      ADD COLUMN taken_at timestamptz,
      ADD COLUMN set_aside boolean NOT NULL DEFAULT false`.execute(db);
}
