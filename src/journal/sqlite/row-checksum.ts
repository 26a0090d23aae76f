import type { SQLInputValue } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { damage } from './commit-row.js';

/** The checksum of a row's values, for rows of tables beside the log. */
export function rowChecksum(values: readonly SQLInputValue[]): number {
  return crc32(JSON.stringify(values));
}

/**
 * The checksum of a row whose table got further columns later. Null values at the end are left out, so older rows keep their checksums.
 *
 * @param least the number of columns that the table had at first
 */
export function growingChecksum(values: readonly SQLInputValue[], least: number): number {
  let length = values.length;
  while (length > least && values[length - 1] === null) length -= 1;
  return rowChecksum(length === values.length ? values : values.slice(0, length));
}

/** Rows of `columns` values each, with the checksum added to each. */
export function withChecksums(
  columns: number,
  values: readonly SQLInputValue[],
  least = columns,
): SQLInputValue[] {
  const rows: SQLInputValue[] = [];
  for (let at = 0; at < values.length; at += columns) {
    const row = values.slice(at, at + columns);
    rows.push(...row, growingChecksum(row, least));
  }
  return rows;
}

/**
 * @param checksum null for a row from before rows had checksums
 * @param least see {@link growingChecksum}
 * @throws {StoreError} `damaged` unless the values are those that were written
 */
export function expectWritten(
  what: string,
  checksum: number | null,
  values: readonly SQLInputValue[],
  least = values.length,
): void {
  if (checksum !== null && checksum !== growingChecksum(values, least))
    throw damage(`${what} is not what was written`);
}
