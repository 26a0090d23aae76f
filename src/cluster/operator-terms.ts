import { WORK_QUEUES } from '../journal/postgres/queues.js';

/** Those that operators can pause. */
export const PAUSABLE_QUEUES = WORK_QUEUES;

/** What operators may pause. */
export interface Pausable {
  readonly kind: 'task' | 'queue';
  readonly name: string;
}

/** The statuses that runs may have for each command for many. */
export const CANCELLED = ['running', 'set-aside'] as const;
export const RETRIED = ['failed', 'partly-failed'] as const;

/** Which runs a command is for. What is left out bounds nothing. */
export interface RunFilter {
  readonly task?: string | undefined;
  readonly status?: string | undefined;
  /** The node that executes them. */
  readonly node?: string | undefined;
  /** Created so long ago, or longer. */
  readonly olderThanMs: number;
}
