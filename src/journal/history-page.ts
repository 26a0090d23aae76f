import type { RunPosition, RunQuery } from '../run/journal-pages.js';

/** A run of the history with where it stands. */
export interface PlacedRun<R> {
  readonly run: R;
  readonly position: RunPosition;
}

/** Sorts the newest first. */
export function compareNewest(a: RunPosition, b: RunPosition): number {
  return b.createdAt - a.createdAt || b.number - a.number;
}

/** Where a query's runs stand. Of `until` and `olderThan`, which bound the same end, it is the older that counts. */
export function rangeOf({ since, until, olderThan }: RunQuery): { since: number; olderThan: RunPosition } {
  const end = { createdAt: until ?? Number.MAX_SAFE_INTEGER, number: 0 };
  return {
    since: since ?? Number.MIN_SAFE_INTEGER,
    olderThan: olderThan && compareNewest(olderThan, end) > 0 ? olderThan : end,
  };
}

/** @param found the page's runs, and one more at least where there are more */
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
