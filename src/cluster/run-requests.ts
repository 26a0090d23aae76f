import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { TransactionError, type CallerTransaction } from '../core/caller-transaction.js';
import { DomainError } from '../core/domain-error.js';
import type { EventBus } from '../events/event-bus.js';
import { asking } from '../journal/postgres/asking.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import { transactionOf } from '../journal/postgres/transaction.js';
import type { RunTerms } from '../run/run-terms.js';
import { textOfTerms } from './requested-terms.js';

/** How often a caller who waits for a run checks the outcome of the transaction; ms. */
const POLL_MS = 500;

/**
 * Requests a run in a transaction of the caller. The commit makes the request visible to the nodes, and makes Postgres notify this node.
 *
 * @returns the id of the transaction
 * @throws {TransactionError} when `given` is no transaction on the journal's database; also throws errors of the transaction
 */
export async function requestRun(
  { sharing: { nodeId }, options: { schema } }: PostgresJournal,
  given: CallerTransaction,
  terms: RunTerms,
): Promise<string> {
  const execute = transactionOf(given);
  try {
    // The INSERT takes this lock anyway. Outside of a transaction, the database refuses the statement.
    await execute(`LOCK TABLE "${schema}".requested_runs IN ROW EXCLUSIVE MODE`, []);
    const [row] = await execute(
      `WITH requested AS (
        INSERT INTO "${schema}".requested_runs (id, task, node, terms)
        SELECT $1::text, $2::text, id, $3::text FROM "${schema}".nodes WHERE id = $4::text
        RETURNING 1)
      SELECT pg_current_xact_id()::text AS transaction,
        pg_notify('${schema}', json_build_array('requested', $4::text)::text)::text AS told FROM requested`,
      [terms.id, terms.task, textOfTerms(terms), nodeId],
    );
    if (row) return (row as { readonly transaction: string }).transaction;
  } catch (error) {
    const mend = MENDS[codeOf(error)]?.(schema);
    throw mend === undefined ? error : new TransactionError(mend, error);
  }
  throw new TransactionError(OTHER_DATABASE);
}

/**
 * Waits until a requested run has begun, on whichever node.
 *
 * @param transaction the id of the transaction
 * @param closing aborted when waiting is to end
 * @returns false when that takes longer than `waitMs` milliseconds
 * @throws {DomainError} `run-unknown` when the transaction was rolled back; `journal-unavailable`, `stopping`
 */
export async function untilBegun(
  journal: PostgresJournal,
  bus: EventBus,
  { id, transaction }: { readonly id: string; readonly transaction: string },
  waitMs: number,
  closing: AbortSignal,
): Promise<boolean> {
  const until = performance.now() + waitMs;
  const heard = new AbortController();
  const signal = AbortSignal.any([closing, heard.signal]);
  const unwatch = bus.watch(id, () => {
    heard.abort();
  });
  try {
    while (!heard.signal.aborted && !(await hasBegun(journal, id, transaction))) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) return false;
      await delay(Math.min(leftMs, POLL_MS), undefined, { signal }).catch(() => undefined);
      if (closing.aborted)
        throw new DomainError(
          'stopping',
          'The service stopped before the run began; it begins at another node, or with the next start, if its transaction is committed',
          { runId: id },
        );
    }
    return true;
  } finally {
    unwatch();
  }
}

async function hasBegun({ store }: PostgresJournal, id: string, transaction: string): Promise<boolean> {
  const { begun, asked } = await asking(async () => {
    // Read before the rest, so that a commit in between is not missed.
    const [state] = (
      await sql<{ status: string | null }>`
        SELECT pg_xact_status(${transaction}::xid8) AS status`.execute(store.db)
    ).rows;
    return state?.status === 'in progress' ? { begun: false, asked: true } : store.requested(id);
  });
  if (begun || asked) return begun;
  throw new DomainError(
    'run-unknown',
    'There is no such run: the transaction that asked for it was rolled back, or it is kept no more',
    { runId: id },
  );
}

const OTHER_DATABASE =
  'The transaction is not on the database of Frontrunner’s journal, or this node was just taken for dead; use a connection to the same database, or try again';

/** Explanations by Postgres' codes. */
const MENDS: Readonly<Record<string, (schema: string) => string>> = {
  '25P01': () =>
    'transaction is outside of a transaction, where the run could not wait for your commit; give it the client that has said BEGIN, or what the function of a transaction gets, and not a pool or the database itself',
  '42P01': () => OTHER_DATABASE,
  '3F000': () => OTHER_DATABASE,
  '42501': (schema) =>
    `The user of the transaction may not ask for runs; let the owner of the tables say GRANT USAGE ON SCHEMA ${schema} TO <user>; GRANT INSERT ON ${schema}.requested_runs TO <user>; GRANT SELECT ON ${schema}.nodes TO <user>`,
};

/** Drizzle and others wrap the error of the driver. */
function codeOf(error: unknown): string {
  const { code, cause } = Object(error) as { readonly code?: string; readonly cause?: unknown };
  return code ?? (Object(cause) as { readonly code?: string }).code ?? '';
}
