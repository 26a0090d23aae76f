import type { TaskDefinition } from '../core/task.js';
import type { Journal } from '../run/journal.js';
import type { RunPosition } from '../run/journal-pages.js';
import type { RecordedRun } from './recorded-run.js';
import { READ_TYPES, RunReader } from './run-reader.js';
import type { Turns } from './turns.js';

/** How many events of the log are looked through at most: the newest, of all tasks. */
const MAX_LOOK_BACK = 250_000;
/** How many events are read at a time. Parsing more would block others for too long. */
const PAGE = 250;
/** How many runs are counted at a time. */
const RUNS_PAGE = 1_000;

/** The runs of a task that were read. */
export interface ReadRuns {
  /** The oldest first. */
  readonly runs: readonly RecordedRun[];
  /** How many further runs were read that can't be replayed. */
  readonly leftOut: number;
}

/**
 * Reads the newest finished runs of a task from the journal.
 *
 * @param most how many runs to read at most
 * @throws {DomainError} `journal-unavailable`
 */
export async function recordedRuns(
  journal: Journal,
  task: TaskDefinition,
  most: number,
  turns: Turns,
): Promise<ReadRuns> {
  const reader = new RunReader(task);
  const { lastEventId } = journal;
  const oldest = await oldestOf(journal, task.name, most);
  const runs: RecordedRun[] = [];
  let after = Math.max(0, lastEventId - MAX_LOOK_BACK, oldest ? oldest.number - 1 : 0);
  while (after < lastEventId) {
    const { events, next } = await journal.events({ after, task: task.name, types: READ_TYPES, limit: PAGE });
    for (const event of events) {
      const run = reader.read(event);
      if (run) runs.push(run);
    }
    after = next;
    await turns.take();
  }
  return { runs: runs.slice(-most), leftOut: reader.leftOut };
}

/** The position of the oldest of the newest `most` finished runs; undefined when there are no more than that. */
async function oldestOf(journal: Journal, task: string, most: number): Promise<RunPosition | undefined> {
  let olderThan: RunPosition | undefined;
  for (let left = most; left > 0; left -= RUNS_PAGE) {
    const { next } = await journal.runs({
      task,
      statuses: ['succeeded', 'partly-failed', 'failed'],
      olderThan,
      limit: Math.min(left, RUNS_PAGE),
    });
    if (!next) return undefined;
    olderThan = next;
  }
  return olderThan;
}
