import { WORK_QUEUES } from '../journal/postgres/queues.js';

/** The queues that operators can pause. */
export const PAUSABLE_QUEUES = WORK_QUEUES;

/** A task or queue that operators can pause. */
export interface Pausable {
  readonly kind: 'task' | 'queue';
  readonly name: string;
}

/** The statuses of runs that each bulk command accepts. */
export const CANCELLED = ['running', 'set-aside'] as const;
export const RETRIED = ['failed', 'partly-failed'] as const;

/** The runs for which a bulk command is. A member that is left out matches all runs. */
export interface RunFilter {
  readonly task?: string | undefined;
  readonly status?: string | undefined;
  /** The node that executes the runs. */
  readonly node?: string | undefined;
  /** Least age of the runs since their creation, in milliseconds. */
  readonly olderThanMs: number;
}
