import { textOf } from '../../core/thrown.js';
import type { Damage } from '../damage-watch.js';
import { databaseError } from '../database-error.js';

/**
 * What a journal does about an error besides trying again. `superseded`: another process writes the database. `file-gone`, `log-gone`:
 * the database, or its write-ahead log, is not the one that is open. `damaged`: what was read is not what was written.
 */
export type StoreErrorKind = 'superseded' | 'file-gone' | 'log-gone' | 'damaged';

/** What of an error is told apart, and doesn't cross to another thread by itself. */
export interface StoreErrorDetails {
  readonly explanation?: string | undefined;
  readonly kind?: StoreErrorKind | undefined;
  /** SQLite's result code. */
  readonly errcode?: number | undefined;
}

/** What stands in the way of using a database; `explanation` continues "the database … ". */
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

/** By SQLite's primary result codes: a page that isn't what it should be, and a file that doesn't begin as a database. */
const DAMAGED = [11, 26];

/** Whether the database is not what was written, as far as an error says. */
export function storeDamage(path: string, error: unknown): Damage | undefined {
  const { kind, errcode } = detailsOf(error);
  const isCertain = kind === 'damaged';
  if (!isCertain && (errcode === undefined || !DAMAGED.includes(errcode & 0xff))) return undefined;
  return { message: textOf(databaseError(path, error)), isCertain };
}
