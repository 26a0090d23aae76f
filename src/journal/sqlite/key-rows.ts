import type { SQLInputValue } from 'node:sqlite';
import type { KeyedRun } from '../../run/idempotency-key.js';
import { expectWritten, withChecksums } from './row-checksum.js';
import type { Statements } from './statements.js';

interface KeyRow {
  readonly fingerprint: string;
  readonly run: number;
  readonly createdAt: number;
  readonly checksum: number | null;
  /** Null for a run that retention has deleted: then the key is free. */
  readonly runId: string | null;
}

const KEY = `
  SELECT fingerprint, run, idempotency_keys.created_at AS createdAt, idempotency_keys.checksum, coalesce(runs.id, open_runs.id) AS runId
  FROM idempotency_keys LEFT JOIN runs ON runs.number = run LEFT JOIN open_runs ON open_runs.number = run
  WHERE idempotency_keys.client = ? AND key = ?`;
const DELETE_OLD = `
  DELETE FROM idempotency_keys WHERE (client, key) IN
    (SELECT client, key FROM idempotency_keys WHERE created_at < ? ORDER BY created_at LIMIT ?)`;

/** @param rows `client, key, fingerprint, run, created_at` of each key */
export function insertKeys(statements: Statements, rows: readonly SQLInputValue[]): void {
  const columns = 'client, key, fingerprint, run, created_at, checksum';
  // An existing row is of a key that has expired: otherwise its run would have been found.
  statements.insert(`idempotency_keys (${columns})`, 6, withChecksums(5, rows), 'REPLACE');
}

/**
 * The run of an idempotency key whose first use was after a time.
 *
 * @throws {StoreError} `damaged` where the row isn't as it was written
 */
export function runOfKey(
  statements: Statements,
  client: string,
  key: string,
  after: number,
): KeyedRun | undefined {
  const [row] = statements.all<KeyRow>(KEY, client, key);
  if (!row) return undefined;
  const { fingerprint, run, createdAt, checksum, runId } = row;
  expectWritten('an idempotency key', checksum, [client, key, fingerprint, run, createdAt]);
  return runId === null || createdAt <= after ? undefined : { runId, fingerprint };
}

/** Deletes keys that are older than a time, at most `limit`. @returns how many were deleted */
export function deleteKeys(statements: Statements, before: number, limit: number): number {
  return statements.run(DELETE_OLD, before, limit);
}
