import { sql, type Kysely } from 'kysely';
import { createViews } from './postgres-views.js';

/** Runs without labels cost nothing. */
export async function addLabels(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE run_labels (
      label text COLLATE "C" NOT NULL,
      labelled_at bigint NOT NULL,
      run text COLLATE "C" NOT NULL,
      PRIMARY KEY (label, labelled_at, run))`.execute(db);
  await sql`CREATE INDEX labels_of_run ON run_labels (run)`.execute(db);
  await createViews(db);
  // The idempotency key of a request for a retry, in the form in which it is kept.
  await sql`ALTER TABLE commands ADD COLUMN key text COLLATE "C"`.execute(db);
}

export async function addErasedRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE erased_runs (
      id text COLLATE "C" PRIMARY KEY,
      finished_at bigint NOT NULL,
      commits bigint[] NOT NULL)`.execute(db);
}
