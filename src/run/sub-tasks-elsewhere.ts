import type { RunEvent } from '../core/events.js';
import type { Journal } from './journal.js';
import { millisecondsSince } from '../core/duration.js';
import { outcomeOf } from '../core/run-record.js';
import type { AttemptOf } from './attempt.js';

/** A sub-task of a run of this node that left it. */
interface Elsewhere {
  readonly about: Omit<AttemptOf, 'attempt'>;
  /** Attempts begun so far, wherever they were, as far as is known. */
  attempts: number;
  startedAt: string | null;
  /** Why it is cancelled, once it is. */
  cancelled: string | undefined;
}

/** The sub-tasks of this node's runs that other nodes execute, or will when they are due. */
export class SubTasksElsewhere {
  private readonly runs = new Map<string, Map<string, Elsewhere>>();

  constructor(private readonly journal: Journal) {}

  /** @param startedAt when its first attempt began, as an RFC 3339 text */
  add({ attempt: attempts, ...about }: AttemptOf, startedAt: string | null): void {
    const { runId, subTask } = about;
    const ofRun = this.runs.get(runId) ?? new Map<string, Elsewhere>();
    this.runs.set(runId, ofRun);
    ofRun.set(subTask, { about, attempts, startedAt, cancelled: undefined });
  }

  has(runId: string, subTask: string): boolean {
    return this.runs.get(runId)?.has(subTask) ?? false;
  }

  /** Cancels those of a run, wherever they are: whatever they still bring is fenced out. */
  cancel(runId: string, reason: string): void {
    for (const subTask of this.runs.get(runId)?.values() ?? []) {
      subTask.cancelled ??= reason;
      this.tellCancelled(subTask, reason);
    }
  }

  /** To be told of every event of the runs of this node. */
  heard(event: RunEvent): void {
    if (this.runs.size === 0 || !('subTask' in event)) return;
    const ofRun = this.runs.get(event.runId);
    const subTask = ofRun?.get(event.subTask);
    if (!ofRun || !subTask) return;
    if (outcomeOf(event)) {
      ofRun.delete(event.subTask);
      this.journal.sharing?.letGo(event);
      if (ofRun.size === 0) this.runs.delete(event.runId);
      return;
    }
    subTask.attempts = event.attempt;
    if (event.type === 'sub-task.started') subTask.startedAt ??= event.time;
    // The attempt began before its cancellation was committed, so that told of the one before it, and was fenced out.
    if (subTask.cancelled !== undefined) this.tellCancelled(subTask, subTask.cancelled);
  }

  /** Other nodes go on with all runs of this one. */
  clear(): void {
    this.runs.clear();
  }

  private tellCancelled({ about, attempts, startedAt }: Elsewhere, reason: string): void {
    const of = { ...about, attempt: attempts };
    if (attempts === 0) void this.journal.append({ type: 'sub-task.skipped', ...of, data: { reason } });
    else {
      const data = { reason, durationMs: millisecondsSince(startedAt) };
      void this.journal.append({ type: 'sub-task.cancelled', ...of, data });
    }
  }
}
