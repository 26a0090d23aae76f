import type { SQLInputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { StoreError } from './store-error.js';

/** A row of `commits`: see `sqlite-schema.ts`. */
export interface CommitRow {
  readonly first: number;
  readonly last: number;
  readonly events: string;
  readonly previous: number;
  readonly link: number | null;
  readonly checksum: number;
}

/** The link with which a chain begins. */
export const NO_LINK = 0;

export const ROW = 'first, last, events, previous, link, commits.checksum';

/** The columns that are written for a new row. */
export const WRITTEN = 'first, last, events, previous, checksum';

/**
 * New rows, chained to the row before. Each has the values of {@link WRITTEN}.
 *
 * @param link the link of the row before
 * @param rows `first, last, events` of each new row
 */
export function chainedTo(link: number, rows: readonly SQLInputValue[]): SQLInputValue[] {
  const written: SQLInputValue[] = [];
  let previous = link;
  for (let at = 0; at < rows.length; at += 3) {
    const [first, last, events] = rows.slice(at, at + 3) as [number, number, string];
    const checksum = checksumOf({ first, last, events, previous, link: null });
    written.push(first, last, events, previous, checksum);
    previous = checksum;
  }
  return written;
}

/** The checksum over all columns of a row. */
export function checksumOf({ first, last, events, previous, link }: Omit<CommitRow, 'checksum'>): number {
  return crc32(events, crc32(`${first},${last},${link ?? ''}`, previous));
}

/** The value that the next row has as `previous`. */
export function linkOf({ link, checksum }: Pick<CommitRow, 'link' | 'checksum'>): number {
  return link ?? checksum;
}

export function isSound(row: CommitRow): boolean {
  return row.checksum === checksumOf(row);
}

/** @throws {StoreError} `damaged` unless the row is as it was written */
export function sound(row: CommitRow): CommitRow {
  if (isSound(row)) return row;
  throw damage(`events ${row.first} to ${row.last} are not what was written`);
}

/**
 * Rows in order, from the row that has the event `from`.
 *
 * @throws {StoreError} `damaged` for a row that isn't as it was written, and for rows that are missing up to `upTo`
 */
export function* chained(rows: Iterable<CommitRow>, from: number, upTo: number): Iterable<CommitRow> {
  let before: CommitRow | undefined;
  for (const row of rows) {
    const isNext = before ? follows(row, before) : row.first <= from;
    if (!isNext) throw damage(`events before event ${row.first} are missing`);
    yield (before = sound(row));
  }
  const end = before?.last ?? from - 1;
  if (end < upTo) throw damage(`events ${end + 1} to ${upTo} are missing`);
}

export function follows(row: CommitRow, before: CommitRow): boolean {
  return row.first === before.last + 1 && row.previous === linkOf(before);
}

/** @param what what is damaged, and how */
export function damage(what: string): StoreError {
  return new StoreError(
    `is damaged: ${what}; “frontrunner journal verify” says what else is, and “restore” brings a backup back`,
    'damaged',
  );
}
