import { DomainError } from '../core/domain-error.js';
import type { RunStatus } from '../core/run.js';
import type { Journal } from '../run/journal.js';
import type { RunPosition } from '../run/journal-pages.js';
import type { RunControl } from '../tasks/run-control.js';

/** How many runs are read, and changed at once. */
const PAGE = 100;

/** Selects runs of a journal that no other node shares. */
export interface LocalFilter {
  readonly task?: string | undefined;
  readonly statuses: readonly RunStatus[];
  readonly olderThanMs: number;
}

/** Cancels runs. @returns how many */
export function cancelRuns(journal: Journal, control: RunControl, filter: LocalFilter): Promise<number> {
  return forEachRun(journal, filter, async (id) => {
    try {
      await control.cancel(id);
      return true;
    } catch (error) {
      // The run has ended meanwhile.
      if (error instanceof DomainError && ['run-finished', 'run-unknown'].includes(error.code)) return false;
      throw error;
    }
  });
}

/** Retries the failed sub-tasks of runs. @returns of how many runs; fewer than selected when there is no room for more at the moment */
export function retryRuns(journal: Journal, control: RunControl, filter: LocalFilter): Promise<number> {
  return forEachRun(journal, filter, (runId) => control.perform({ runId, kind: 'retry' }));
}

async function forEachRun(
  journal: Journal,
  { task, statuses, olderThanMs }: LocalFilter,
  change: (id: string) => Promise<boolean>,
): Promise<number> {
  // One more: `until` leaves its own millisecond out.
  const until = journal.now() - olderThanMs + 1;
  let count = 0;
  for (let olderThan: RunPosition | undefined; ;) {
    const { runs, next } = await journal.runs({ task, statuses, until, limit: PAGE, olderThan });
    const changed = await Promise.all(runs.map(({ id }) => change(id)));
    count += changed.filter(Boolean).length;
    if (!next) return count;
    olderThan = next;
  }
}
