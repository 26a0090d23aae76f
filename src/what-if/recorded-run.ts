import type { RunEvent } from '../core/events.js';

/** How a sub-task ended, as far as that matters to callers: a stream that may be shown counts as a success from its first chunk on. */
export interface End {
  /** From its start, in milliseconds. */
  readonly ms: number;
  /** Undefined where it succeeded. */
  readonly failure?: RunEvent<'sub-task.failed'> | undefined;
  /** Under `agreement`: what is compared of its result; undefined where that agrees with no other. */
  readonly says?: string | undefined;
}

/** An attempt that failed, with another one behind it. */
export interface Stumble {
  /** From the start of its sub-task, in milliseconds. */
  readonly ms: number;
  readonly event: RunEvent<'sub-task.retrying'>;
}

/** What is on record of one sub-task of a run. */
export interface RecordedSubTask {
  readonly name: string;
  /** Whether an attempt of it began. */
  readonly began: boolean;
  /** From the moment at which it was to start to the one at which it began, in milliseconds: mostly a wait for a slot. */
  readonly lagMs: number;
  readonly stumbles: readonly Stumble[];
  /** Undefined where it was cancelled, or never began. */
  readonly end: End | undefined;
  /** Without an end: how long it is known to have had none, in milliseconds. */
  readonly cutMs: number;
  /** Why it could not start in this run, whatever the rule; undefined where it could. */
  readonly barred: string | undefined;
}

/** A finished run, as far as it takes to replay it. */
export interface RecordedRun {
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  /** How long the caller waited for the reply, or for the first chunk of a stream, in milliseconds. */
  readonly waitMs: number;
  /** Whether the reply was an error. */
  readonly failed: boolean;
  /** How much later than the outcome that decided the reply was, in milliseconds: mostly the commit. */
  readonly overheadMs: number;
  /** Sub-tasks behind the first that started without need: because their time had come, or at once. */
  readonly extraStarts: number;
  /** Of the run, in milliseconds. */
  readonly deadlineMs: number | undefined;
  /** Under `agreement`: what was agreed on. */
  readonly agreedOn: string | undefined;
  /** In the order in which the run starts them. */
  readonly subTasks: readonly RecordedSubTask[];
}
