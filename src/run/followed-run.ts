import { Subject } from 'rxjs';
import { deepFreeze } from '../core/json.js';
import type { LosersPolicy, ReplyPolicy } from '../core/policies.js';
import { decideBy, needsMore, replyOf } from './reply.js';
import { runStatus, type Decision, type Outcome, type Reply } from '../core/run.js';
import type { RunRecord } from '../core/run-record.js';

/** What of a run decides its reply and its end. */
export interface RunTerms {
  readonly id: string;
  readonly task: string;
  /** The names of its sub-tasks. */
  readonly subTasks: readonly string[];
  readonly replyPolicy: ReplyPolicy;
  readonly losers: LosersPolicy;
}

/** What a run's outcomes add up to: its reply, and when all have ended, its status. */
export class FollowedRun {
  /** In the order in which they ended. */
  private readonly settled: Outcome[] = [];
  private outcomes = new Subject<Outcome>();
  private reply: Reply | undefined;
  /** The sub-tasks that have not started and will not before there is a cause, in the order in which they would. */
  held: readonly string[] = [];

  /** @param past how far the run has come before */
  constructor(
    readonly terms: RunTerms,
    past?: Pick<RunRecord, 'outcomes' | 'decision'>,
  ) {
    if (past?.decision && !('error' in past.decision.reply)) this.reply = past.decision.reply;
    this.race();
    for (const outcome of past?.outcomes ?? []) this.settle(outcome);
  }

  /**
   * What the caller is to be told, as things stand; undefined as long as the policy is neither met nor defeated. A sub-task
   * that is held is not part of the background: after the reply it doesn't start.
   */
  get decision(): Decision | undefined {
    const { reply } = this;
    if (!reply) return undefined;
    const background = this.goingOn;
    return { reply, status: background.length > 0 ? 'running' : runStatus(reply, this.settled), background };
  }

  /** Whether every sub-task has its outcome. */
  get ended(): boolean {
    return this.unsettled.length === 0;
  }

  /** The sub-tasks that have no outcome. */
  get unsettled(): readonly string[] {
    return this.terms.subTasks.filter((name) => !this.settled.some(({ subTask }) => subTask === name));
  }

  /** Whether a sub-task that is held has to start, because the policy can't be met without it. */
  get needsMore(): boolean {
    const { replyPolicy, subTasks } = this.terms;
    return needsMore(replyPolicy, subTasks.length, this.settled, this.goingOn);
  }

  settle(outcome: Outcome): void {
    this.settled.push(outcome);
    this.outcomes.next(outcome);
  }

  /** Takes an outcome back, because its sub-task is tried again. A result that was replied stays, an error may become one. */
  unsettle(subTask: string): void {
    const outcomes = this.settled.splice(0).filter((outcome) => outcome.subTask !== subTask);
    if (this.reply && 'error' in this.reply) this.reply = undefined;
    this.race();
    for (const outcome of outcomes) this.settle(outcome);
  }

  /** The sub-tasks that have no outcome, but for those that are held. */
  private get goingOn(): readonly string[] {
    const { unsettled, held } = this;
    return held.length === 0 ? unsettled : unsettled.filter((name) => !held.includes(name));
  }

  private race(): void {
    this.outcomes = new Subject();
    this.outcomes.pipe(decideBy(this.terms.replyPolicy, this.terms.subTasks.length)).subscribe(() => {
      this.reply ??= deepFreeze(replyOf(this.terms.replyPolicy, this.settled));
    });
  }
}
