import { isDeepStrictEqual } from 'node:util';
import { milliseconds } from '../core/duration.js';
import type { EventType, RunEvent, SubTaskEvent } from '../core/events.js';
import { outcomeOf } from '../core/outcome.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { TaskDefinition } from '../core/task.js';
import { comparedKey } from '../run/agreement.js';
import { Outcomes } from '../run/outcomes.js';
import { deadlineOf } from '../run/reply.js';
import type { RecordedRun } from './recorded-run.js';
import { SubTaskReading } from './sub-task-reading.js';

/** The types of events that a {@link RunReader} needs. */
export const READ_TYPES = [
  'run.started',
  'sub-task.started',
  'sub-task.retrying',
  'sub-task.succeeded',
  'sub-task.failed',
  'sub-task.cancelled',
  'sub-task.skipped',
  'run.replied',
  'run.finished',
  'run.erased',
] as const satisfies readonly EventType[];

/**
 * Builds runs that can be replayed from committed events in order: finished runs with the sub-tasks and the reply policy that their task
 * declares now. Some runs are left out, because their times depend on people and outages: runs that somebody cancelled, runs with a
 * sub-task that was retried on request, and runs that were continued by another process.
 */
export class RunReader {
  private readonly readings = new Map<string, RunReading | undefined>();
  /** How many finished runs are left out. */
  leftOut = 0;
  private readonly names: readonly string[];

  constructor(private readonly task: Pick<TaskDefinition, 'reply' | 'subTasks' | 'shadows'>) {
    const names = task.subTasks.map(({ name }) => name);
    this.names = names.filter((name) => !task.shadows?.has(name)).toSorted();
  }

  /** @returns the run that the event ends */
  read(event: RunEvent): RecordedRun | undefined {
    const { runId } = event;
    if (event.type === 'run.started') {
      this.readings.set(runId, this.fits(event) ? new RunReading(event) : undefined);
      return undefined;
    }
    if (!this.readings.has(runId)) return undefined;
    const reading = this.readings.get(runId);
    if (event.type === 'run.finished' || event.type === 'run.erased') {
      this.readings.delete(runId);
      const run = event.type === 'run.finished' ? reading?.run : undefined;
      if (!run) this.leftOut += 1;
      return run;
    }
    if (reading?.read(event) === false) this.readings.set(runId, undefined);
    return undefined;
  }

  private fits({ data }: RunEvent<'run.started'>): boolean {
    return (
      isDeepStrictEqual(data.replyPolicy, this.task.reply) &&
      isDeepStrictEqual(racing(data).toSorted(), this.names)
    );
  }
}

/** The sub-tasks of a run without its shadows. */
function racing({ subTasks, shadows }: RunEvent<'run.started'>['data']): readonly string[] {
  return shadows ? subTasks.filter((name) => !shadows.includes(name)) : subTasks;
}

/** One run whose events are being read. */
class RunReading {
  private readonly startedAt: number;
  private readonly policy: ReplyPolicy;
  private readonly subTasks: SubTaskReading[];
  private readonly outcomes: Outcomes;
  /** Milliseconds from the start of the run to the outcome that decided the reply; undefined before. */
  private decidedMs: number | undefined;
  /** When the last event came that may have started another sub-task. */
  private causeMs = 0;
  private replied: Pick<RecordedRun, 'waitMs' | 'failed' | 'overheadMs' | 'agreedOn'> | undefined;

  constructor(private readonly started: RunEvent<'run.started'>) {
    const { replyPolicy } = started.data;
    const subTasks = racing(started.data);
    this.startedAt = Date.parse(started.time);
    this.policy = replyPolicy;
    this.subTasks = subTasks.map((name) => new SubTaskReading(name, replyPolicy));
    this.outcomes = new Outcomes(replyPolicy, subTasks);
  }

  /** The run, once it is finished; undefined for a run without a reply. */
  get run(): RecordedRun | undefined {
    const { started, startedAt, subTasks, replied } = this;
    const { deadline } = started.data;
    return (
      replied && {
        id: started.runId,
        startedAt,
        ...replied,
        extraStarts: subTasks.slice(1).filter(({ isExtra }) => isExtra).length,
        deadlineMs: deadline === undefined ? undefined : milliseconds(deadline),
        subTasks,
      }
    );
  }

  /** @returns false where the run can't be replayed */
  read(event: RunEvent): boolean {
    if (event.type === 'run.replied') return this.readReply(event);
    if (!('subTask' in event)) return false;
    const reading = this.subTasks.find(({ name }) => name === event.subTask);
    // Shadows have no part in the race.
    if (!reading) return true;
    const ms = Date.parse(event.time) - this.startedAt;
    if (!reading.read(event, ms, this.causeMs, this.replied !== undefined)) return false;
    this.causeMs = ms;
    this.settle(event, reading.end ? reading.endedAt : ms);
    return true;
  }

  private settle(event: SubTaskEvent, ms: number): void {
    const outcome = outcomeOf(event);
    if (!outcome || this.decidedMs !== undefined) return;
    this.outcomes.settle(outcome);
    if (this.outcomes.decided) this.decidedMs = ms;
  }

  private readReply({ data: { reply, durationMs, firstChunkMs } }: RunEvent<'run.replied'>): boolean {
    const failed = 'error' in reply;
    if (durationMs === undefined || this.replied) return false;
    if (failed && reply.error.code === 'run-cancelled') return false;
    const waitMs = firstChunkMs ?? durationMs;
    this.replied = {
      waitMs,
      failed,
      overheadMs: waitMs - (firstChunkMs === undefined ? this.causeOf(waitMs) : this.chunkOf(reply, waitMs)),
      agreedOn:
        !failed && this.policy.policy === 'agreement' ? comparedKey(this.policy, reply.result) : undefined,
    };
    return true;
  }

  /** When the reply was decided: by an outcome, or by a deadline. */
  private causeOf(waitMs: number): number {
    const deadline = deadlineOf(this.policy);
    return this.decidedMs ?? (deadline === undefined ? waitMs : milliseconds(deadline));
  }

  /** When the first chunk of the shown stream came; `waitMs` when that is unknown. */
  private chunkOf(reply: RunEvent<'run.replied'>['data']['reply'], waitMs: number): number {
    const leader = this.subTasks.find(({ name }) => 'answeredBy' in reply && reply.answeredBy === name);
    return leader?.endedAt ?? waitMs;
  }
}
