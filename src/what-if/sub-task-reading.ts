import type { RunEvent, SubTaskEvent } from '../core/events.js';
import { comparedKey } from '../run/agreement.js';
import { mayLead } from '../core/stream-lead.js';
import type { ReplyPolicy } from '../core/policies.js';
import { NOT_WORTH_IT, PAST_DEADLINE } from '../core/run.js';
import type { End, RecordedSubTask, Stumble } from './recorded-run.js';

/** Triggers of starts that a failure, or a need, has caused. */
const CALLED_FOR: ReadonlySet<string | undefined> = new Set(['failure', 'failed-attempt', 'need']);

/** Reads the events of one sub-task of a run. Times are milliseconds from the start of the run. */
export class SubTaskReading implements RecordedSubTask {
  lagMs = 0;
  readonly stumbles: Stumble[] = [];
  end: End | undefined;
  cutMs = 0;
  barred: string | undefined;
  /** Whether the sub-task started without need. */
  isExtra = false;
  private startedMs: number | undefined;
  /** Milliseconds from its start to the start of its newest attempt. */
  private attemptMs = 0;
  private hasEnded = false;

  constructor(
    readonly name: string,
    private readonly policy: ReplyPolicy,
  ) {}

  get began(): boolean {
    return this.startedMs !== undefined;
  }

  /** When the sub-task ended, or was cut off. */
  get endedAt(): number {
    return (this.startedMs ?? 0) + (this.end?.ms ?? this.cutMs);
  }

  /**
   * @param ms when the event happened
   * @param causeMs when the last event came that may have started another sub-task of the run
   * @returns false when the event shows that the process ended or that somebody intervened, so that the times mean nothing
   */
  read(event: SubTaskEvent, ms: number, causeMs: number, isReplied: boolean): boolean {
    if ('stream' in event.data && mayLead({ replyPolicy: this.policy }, this.name))
      this.readStream(event.data.stream);
    switch (event.type) {
      case 'sub-task.started':
        this.begin(event, ms, causeMs);
        return event.attempt === this.stumbles.length + 1;
      case 'sub-task.retrying':
        this.stumbles.push({ ms: ms - (this.startedMs ?? ms), event });
        return !this.hasEnded;
      case 'sub-task.succeeded': {
        const { durationMs, result } = event.data;
        const says = this.policy.policy === 'agreement' ? comparedKey(this.policy, result) : undefined;
        this.end ??= { ms: durationMs, says };
        break;
      }
      case 'sub-task.failed':
        this.end ??= { ms: event.data.durationMs, failure: event };
        break;
      case 'sub-task.cancelled':
        this.cutMs = event.data.durationMs;
        break;
      case 'sub-task.skipped': {
        const { reason } = event.data;
        if (!isReplied && reason !== NOT_WORTH_IT && reason !== PAST_DEADLINE) this.barred = reason;
        break;
      }
      default:
        return true;
    }
    this.hasEnded = true;
    return true;
  }

  private begin({ data }: RunEvent<'sub-task.started'>, ms: number, causeMs: number): void {
    const { trigger, delayMs = 0 } = data;
    if (this.startedMs === undefined) {
      this.isExtra = !CALLED_FOR.has(trigger);
      // A sub-task that is due before the one ahead of it waits for that one.
      const dueMs =
        trigger === undefined || trigger === 'exploration' ? 0 : Math.max(Math.ceil(delayMs), causeMs);
      this.lagMs = Math.max(0, ms - dueMs);
    }
    this.startedMs ??= ms;
    this.attemptMs = ms - this.startedMs;
  }

  private readStream({ firstChunkMs }: { readonly firstChunkMs?: number }): void {
    if (firstChunkMs !== undefined) this.end ??= { ms: this.attemptMs + firstChunkMs };
  }
}
