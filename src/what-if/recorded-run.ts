import type { RunEvent } from '../core/events.js';

/** The end of a sub-task as it matters to callers. A stream that may be shown counts as a success from its first chunk on. */
export interface End {
  /** Milliseconds from the start of the sub-task. */
  readonly ms: number;
  /** Undefined for a success. */
  readonly failure?: RunEvent<'sub-task.failed'> | undefined;
  /** Under `agreement`: the part of the result that is compared; undefined for a result that agrees with no other. */
  readonly says?: string | undefined;
}

/** A failed attempt that was followed by another. */
export interface Stumble {
  /** Milliseconds from the start of the sub-task. */
  readonly ms: number;
  readonly event: RunEvent<'sub-task.retrying'>;
}

/** The record of one sub-task in a run. */
export interface RecordedSubTask {
  readonly name: string;
  /** Whether an attempt began. */
  readonly began: boolean;
  /** Milliseconds from when the sub-task was due to when it began: mostly the wait for a slot. */
  readonly lagMs: number;
  readonly stumbles: readonly Stumble[];
  /** Undefined when the sub-task was cancelled, or never began. */
  readonly end: End | undefined;
  /** Without an end: how long the sub-task is known to have run, in milliseconds. */
  readonly cutMs: number;
  /** Why the sub-task could not start in this run under any rule; undefined when it could. */
  readonly barred: string | undefined;
}

/** The record of a finished run, as far as a replay needs it. */
export interface RecordedRun {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** How long the caller waited for the reply, or for the first chunk of a stream, in milliseconds. */
  readonly waitMs: number;
  /** Whether the reply was an error. */
  readonly failed: boolean;
  /** Milliseconds from the outcome that decided the reply to the reply: mostly the commit. */
  readonly overheadMs: number;
  /** How many sub-tasks besides the first started without need: because their time had come, or at once. */
  readonly extraStarts: number;
  /** The run's deadline, in milliseconds. */
  readonly deadlineMs: number | undefined;
  /** Under `agreement`: the result that was agreed on. */
  readonly agreedOn: string | undefined;
  /** In the order in which the run starts them. */
  readonly subTasks: readonly RecordedSubTask[];
}
