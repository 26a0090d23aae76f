import type { RunPosition, RunQuery } from '../run/journal-pages.js';

/** A run of the history and its position in the list. */
export interface PlacedRun<R> {
  readonly run: R;
  readonly position: RunPosition;
}

/** Sorts the newest first. */
export function compareNewest(a: RunPosition, b: RunPosition): number {
  return b.createdAt - a.createdAt || b.number - a.number;
}

/** The range of positions that a query asks for. Both `until` and `olderThan` bound the newer end; the older of the two counts. */
export function rangeOf({ since, until, olderThan }: RunQuery): { since: number; olderThan: RunPosition } {
  const end = { createdAt: until ?? Number.MAX_SAFE_INTEGER, number: 0 };
  return {
    since: since ?? Number.MIN_SAFE_INTEGER,
    olderThan: olderThan && compareNewest(olderThan, end) > 0 ? olderThan : end,
  };
}

/** @param found the runs of the page; at least one more if there are more */
export function pageOf<R>(
  found: readonly PlacedRun<R>[],
  limit: number,
): { runs: R[]; next: RunPosition | undefined } {
  const page = found.slice(0, limit);
  return {
    runs: page.map(({ run }) => run),
    next: found.length > limit ? page.at(-1)?.position : undefined,
  };
}
