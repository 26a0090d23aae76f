import { textOf } from '../../core/thrown.js';
import type { Damage } from '../damage-watch.js';
import { databaseError } from '../database-error.js';

/**
 * Errors to which a journal reacts in a special way. `superseded`: another process writes the database. `file-gone`, `log-gone`: the
 * database, or its write-ahead log, is no longer the open file. `damaged`: the data read is not the data written.
 */
export type StoreErrorKind = 'superseded' | 'file-gone' | 'log-gone' | 'damaged';

/** Properties of an error that don't cross to another thread by themselves. */
export interface StoreErrorDetails {
  readonly explanation?: string | undefined;
  readonly kind?: StoreErrorKind | undefined;
  /** SQLite's result code. */
  readonly errcode?: number | undefined;
}

/** A database can't be used. `explanation` continues "the database … ". */
export class StoreError extends Error implements StoreErrorDetails {
  readonly explanation: string;
  readonly kind: StoreErrorKind | undefined;

  constructor(explanation: string, kind?: StoreErrorKind) {
    super(explanation);
    this.explanation = explanation;
    this.kind = kind;
    this.name = 'StoreError';
  }
}

export function detailsOf(error: unknown): StoreErrorDetails {
  const { explanation, kind, errcode } = error as StoreErrorDetails;
  return { explanation, kind, errcode };
}

/** SQLite's primary result codes for a malformed page, and for a file that is no database. */
const DAMAGED = [11, 26];

/** The damage that an error reports, if it reports any. */
export function storeDamage(path: string, error: unknown): Damage | undefined {
  const { kind, errcode } = detailsOf(error);
  const isCertain = kind === 'damaged';
  if (!isCertain && (errcode === undefined || !DAMAGED.includes(errcode & 0xff))) return undefined;
  return { message: textOf(databaseError(path, error)), isCertain };
}
