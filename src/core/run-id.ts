import { randomFillSync } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';

const ID_BYTES = 16;
/** Random bytes for many ids at once. One system call costs ten times as much as the rest of making an id. */
const pool = new Uint8Array(256 * ID_BYTES);
let used = pool.length;
let lastMs = -Infinity;
let sequence = 0;

/** When the id of a run or a node was made, in milliseconds since 1970. */
export function timeOfId(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** A UUIDv7 (RFC 9562). The ids of one process sort in the order in which they were made, also within a millisecond. */
export function newRunId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, (used += ID_BYTES));
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // Starts below 2^24 in a range of 2^32, which leaves room to count on.
    sequence = ((random[6] ?? 0) << 16) | ((random[7] ?? 0) << 8) | (random[8] ?? 0);
  } else sequence += 1;
  return uuidv7({ random, msecs: lastMs, seq: sequence });
}
