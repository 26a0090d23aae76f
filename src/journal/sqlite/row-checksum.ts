import type { SQLInputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { damage } from './commit-row.js';

/** The checksum of the values of a row, of those that have one beside the log. */
export function rowChecksum(values: readonly SQLInputValue[]): number {
  return crc32(JSON.stringify(values));
}

/** Rows of so many values, each with its checksum behind it. */
export function withChecksums(columns: number, values: readonly SQLInputValue[]): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < values.length; at += columns) {
    const row = values.slice(at, at + columns);
    rows.push(...row, rowChecksum(row));
  }
  return rows;
}

/**
 * @param checksum null for a row from before there were any
 * @throws {StoreError} `damaged` unless the values are those that were written
 */
export function expectWritten(what: string, checksum: number | null, values: readonly SQLInputValue[]): void {
  if (checksum !== null && checksum !== rowChecksum(values)) throw damage(`${what} is not what was written`);
}
