import { sql, type Kysely } from 'kysely';

/** Adds the client that started a run; null where no API key was needed. Runs without a client cost the index nothing. */
export async function addClients(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE open_runs ADD COLUMN client text COLLATE "C"`.execute(db);
  await sql`ALTER TABLE runs ADD COLUMN client text COLLATE "C"`.execute(db);
  await sql`
    CREATE INDEX runs_of_client ON runs (client, status, created_at, number)
    WHERE client IS NOT NULL`.execute(db);
}

/**
 * Adds the requests that started runs, and what lists of runs show of replies; null in rows of earlier versions. Runs without a request,
 * or without a trace, cost its index nothing.
 */
export async function addRepliesAndOrigins(db: Kysely<unknown>): Promise<void> {
  for (const table of ['open_runs', 'runs'])
    await sql`
      ALTER TABLE ${sql.table(table)}
        ADD COLUMN request_id text COLLATE "C", ADD COLUMN trace_id text COLLATE "C"`.execute(db);
  await sql`ALTER TABLE runs ADD COLUMN replied_at bigint, ADD COLUMN answered_by text`.execute(db);
  await sql`
    CREATE INDEX runs_of_request ON runs (request_id, status, created_at, number)
    WHERE request_id IS NOT NULL`.execute(db);
  await sql`
    CREATE INDEX runs_of_trace ON runs (trace_id, status, created_at, number)
    WHERE trace_id IS NOT NULL`.execute(db);
  await sql`ALTER TABLE nodes ADD COLUMN version text, ADD COLUMN slots integer`.execute(db);
}

export async function createLog(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE compatibility (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), minimum integer NOT NULL)`.execute(db);
  await sql`INSERT INTO compatibility (minimum) VALUES (1)`.execute(db);
  await sql`
    CREATE TABLE log_head (
      "only" boolean PRIMARY KEY DEFAULT true CHECK ("only"), last_id bigint NOT NULL)`.execute(db);
  await sql`INSERT INTO log_head (last_id) VALUES (0)`.execute(db);
  await sql`
    CREATE TABLE commits (
      first bigint PRIMARY KEY,
      last bigint NOT NULL,
      events text NOT NULL)`.execute(db);
  // lz4 is faster than pglz, but not every Postgres was built with it.
  await sql`
    DO $$ BEGIN
      ALTER TABLE commits ALTER COLUMN events SET COMPRESSION lz4;
    EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN NULL;
    END $$`.execute(db);
}

export async function createRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE open_runs (
      number bigint PRIMARY KEY,
      id text COLLATE "C" NOT NULL UNIQUE,
      task text COLLATE "C" NOT NULL,
      created_at bigint NOT NULL,
      node text COLLATE "C" NOT NULL)`.execute(db);
  await sql`CREATE INDEX open_runs_by_age ON open_runs (created_at, number)`.execute(db);
  await sql`
    CREATE TABLE late_commits (
      run bigint NOT NULL,
      first bigint NOT NULL,
      PRIMARY KEY (run, first))`.execute(db);
  await sql`
    CREATE TABLE runs (
      id text COLLATE "C" PRIMARY KEY,
      number bigint NOT NULL,
      task text COLLATE "C" NOT NULL,
      status text COLLATE "C" NOT NULL,
      created_at bigint NOT NULL,
      finished_at bigint NOT NULL,
      commits bigint[] NOT NULL)`.execute(db);
  await sql`CREATE INDEX runs_of_status ON runs (status, created_at, number)`.execute(db);
  await sql`CREATE INDEX runs_of_task ON runs (task, status, created_at, number)`.execute(db);
}

export async function createNodes(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE nodes (
      id text COLLATE "C" PRIMARY KEY,
      role text NOT NULL,
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      last_group bigint NOT NULL DEFAULT 0,
      last_first_id bigint,
      last_refused integer[],
      free_slots integer NOT NULL DEFAULT 0,
      tasks text[] NOT NULL DEFAULT '{}') WITH (fillfactor = 50)`.execute(db);
}

export async function createPlaced(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE placed (
      run bigint NOT NULL,
      sub_task text COLLATE "C" NOT NULL,
      attempt integer NOT NULL,
      node text COLLATE "C",
      deliveries integer NOT NULL DEFAULT 0,
      worker boolean NOT NULL,
      due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (run, sub_task))`.execute(db);
  await sql`CREATE INDEX placed_on_nodes ON placed (node) WHERE node IS NOT NULL`.execute(db);
  await sql`
    CREATE TABLE commands (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      run bigint NOT NULL,
      kind text NOT NULL,
      sub_task text COLLATE "C")`.execute(db);
}

export async function createIdempotencyKeys(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE idempotency_keys (
      client text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      fingerprint text NOT NULL,
      run_id text COLLATE "C" NOT NULL,
      node text COLLATE "C" NOT NULL,
      created_at bigint NOT NULL,
      PRIMARY KEY (client, key))`.execute(db);
  await sql`CREATE INDEX keys_by_age ON idempotency_keys (created_at)`.execute(db);
}

export async function createStatistics(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE statistics (
      task text COLLATE "C" NOT NULL,
      start bigint NOT NULL,
      data text NOT NULL,
      PRIMARY KEY (task, start))`.execute(db);
  await sql`
    CREATE TABLE counted_events (
      "only" integer PRIMARY KEY,
      up_to bigint NOT NULL,
      read_from bigint NOT NULL)`.execute(db);
}
