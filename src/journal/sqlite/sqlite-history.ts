import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import {
  DummyDriver,
  Kysely,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type RawBuilder,
} from 'kysely';
import type { RunQuery } from '../../run/journal-pages.js';
import { historyQuery, type HistoryTables } from '../history-query.js';
import type { RunRow } from '../history-rows.js';
import { expectWritten } from './row-checksum.js';
import { expectRunWritten, type CheckedRun } from './run-rows.js';
import type { Statements } from './statements.js';

/** The index is named because SQLite doesn't know how the values are distributed: it would choose the index without the task for both. */
export const HISTORY: HistoryTables = {
  open: sql`open_runs INDEXED BY open_runs_by_age`,
  setAside: sql`set_aside`,
  ofStatus: sql`runs INDEXED BY runs_of_status`,
  ofTask: sql`runs INDEXED BY runs_of_task`,
  ofClient: sql`runs INDEXED BY runs_of_client`,
  ofRequest: sql`runs INDEXED BY runs_of_request`,
  ofTrace: sql`runs INDEXED BY runs_of_trace`,
  // CROSS JOIN keeps SQLite from reading the runs first.
  labels: sql`run_labels`,
  openOfLabel: sql`run_labels AS one CROSS JOIN open_runs ON number = run`,
  ofLabel: sql`run_labels AS one CROSS JOIN runs ON number = run`,
  openChecks: sql`, client, request_id, trace_id, NULL AS commits, open_runs.checksum - set_aside AS checksum, NULL AS end_checksum`,
  finishedChecks: sql`, client, request_id, trace_id, commits, runs.checksum, end_checksum`,
  numberOfLabel: sql`run`,
  labelled: sql`number`,
};

const LABELS = `
  SELECT run, label, labelled_at AS labelledAt, checksum FROM run_labels INDEXED BY labels_of_run
  WHERE run IN (SELECT value FROM json_each(?)) ORDER BY label`;

interface LabelRow {
  readonly run: number;
  readonly label: string;
  readonly labelledAt: number;
  readonly checksum: number | null;
}

/** Compiles queries to SQL, and executes none. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export function rowsOf<Row>(database: DatabaseSync, query: RawBuilder<Row>): Row[] {
  const { sql: text, parameters } = query.compile(compiler);
  return database.prepare(text).all(...(parameters as SQLInputValue[])) as Row[];
}

/**
 * The runs that a query asks for, the newest first, and one more if there are more.
 *
 * @throws {StoreError} `damaged` for a row that isn’t as it was written
 */
export function historyOf(database: DatabaseSync, statements: Statements, query: RunQuery): RunRow[] {
  const rows = rowsOf(database, historyQuery(query, HISTORY)) as CheckedRun[];
  rows.forEach(expectRunWritten);
  const labels = new Map<number, string[]>();
  const numbers = JSON.stringify(rows.map(({ number }) => number));
  for (const { run, label, labelledAt, checksum } of statements.all<LabelRow>(LABELS, numbers)) {
    expectWritten(`a label of the run with the number ${run}`, checksum, [label, labelledAt, run]);
    labels.set(run, [...(labels.get(run) ?? []), label]);
  }
  return rows.map(({ number, id, task, status, created_at, finished_at, replied_at, answered_by }) => ({
    ...{ number, id, task, status, created_at, finished_at, replied_at, answered_by },
    labels: labels.get(number),
  }));
}
