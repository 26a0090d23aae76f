import { Subject } from 'rxjs';
import { deepFreeze } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import { runStatus, type Decision, type Outcome, type Reply } from '../core/run.js';
import { counts, decideBy, needsMore } from './reply.js';
import { ShadowOutcomes } from './shadow-outcomes.js';
import { replyAtDeadline, replyOf } from './told-reply.js';

/** The committed outcomes of a run's sub-tasks, and the race for its reply. */
export class Outcomes {
  /** The outcomes in the order in which they were committed. */
  private settled: Outcome[] = [];
  /** The race that decides; undefined until the first outcome, since a run may wait long for it. */
  private outcomes$: Subject<Outcome> | undefined;
  /** The sub-task whose stream callers are shown: its outcome is the reply. */
  leading: string | undefined;

  /** The names of the sub-tasks that race. */
  private readonly subTasks: readonly string[];
  /** Undefined where the run has no shadows. */
  private readonly shadows: ShadowOutcomes | undefined;

  /**
   * @param subTasks the names of all sub-tasks of the run
   * @param reply what the caller was told by an earlier process
   * @param shadows the names of those that are shadows
   */
  constructor(
    private readonly policy: ReplyPolicy,
    subTasks: readonly string[],
    private reply?: Reply,
    shadows?: readonly string[],
  ) {
    if (shadows) this.shadows = new ShadowOutcomes(shadows);
    this.subTasks = shadows ? subTasks.filter((name) => !shadows.includes(name)) : subTasks;
  }

  /** Whether the policy is met or defeated. */
  get decided(): boolean {
    return this.reply !== undefined;
  }

  /** Whether every sub-task has an outcome. */
  get complete(): boolean {
    return this.settled.length === this.subTasks.length && this.shadows?.complete !== false;
  }

  /** The outcome of a sub-task; undefined as long as it has none. */
  of(subTask: string): Outcome | undefined {
    for (const outcome of this.settled) if (outcome.subTask === subTask) return outcome;
    return this.shadows?.of(subTask);
  }

  settle(outcome: Outcome): void {
    const { shadows } = this;
    if (shadows?.includes(outcome.subTask)) {
      shadows.settle(outcome);
      return;
    }
    this.settled.push(outcome);
    this.outcomes$ ??= this.race();
    this.outcomes$.next(outcome);
  }

  /** Removes an outcome, because its sub-task is retried. A result that was replied stays; an error may become a result. */
  unsettle(subTask: string): void {
    const { shadows } = this;
    if (shadows?.includes(subTask)) {
      shadows.unsettle(subTask);
      return;
    }
    const rest = this.settled.filter((outcome) => outcome.subTask !== subTask);
    if (this.reply && 'error' in this.reply) this.reply = undefined;
    this.raceAnew(rest);
  }

  /** Lets the outcome of one sub-task be the reply, because callers are shown its stream. With undefined the policy decides again. */
  follow(subTask: string | undefined): void {
    if (this.reply || this.leading === subTask) return;
    this.leading = subTask;
    this.raceAnew(this.settled);
  }

  /** Makes the reply of the outcomes so far, because its deadline has come. */
  replyNow(): void {
    this.reply ??= deepFreeze(replyAtDeadline(this.policy, this.settled, this.subTasks));
  }

  /**
   * Forgets the result of a sub-task that succeeded, unless a reply needs it. An error reply may need it after a retry.
   *
   * @param isReplied whether the journal has a reply with results
   * @returns false when the sub-task has no outcome yet, or the reply may need the result
   */
  forgetResult(subTask: string, isReplied: boolean): boolean {
    const { reply, settled, shadows, policy } = this;
    if (shadows?.includes(subTask)) return shadows.of(subTask) !== undefined;
    if (counts(policy, subTask) && !isReplied) return false;
    const at = settled.findIndex((outcome) => outcome.subTask === subTask);
    if (at < 0) return false;
    settled[at] = { subTask, status: 'succeeded', result: null };
    if (reply && answers(reply, subTask)) this.reply = { ...reply, result: null };
    return true;
  }

  /**
   * The reply by the outcomes so far; undefined as long as the policy is neither met nor defeated.
   *
   * @param background the sub-tasks that go on
   */
  decision(background: readonly string[]): Decision | undefined {
    const { reply } = this;
    if (!reply) return undefined;
    return { reply, status: background.length > 0 ? 'running' : runStatus(reply, this.settled), background };
  }

  /** Whether a held sub-task has to start, because the running ones are too few to meet the policy. */
  needsMore(background: readonly string[]): boolean {
    const { shadows } = this;
    const racing = shadows ? background.filter((name) => !shadows.includes(name)) : background;
    return needsMore(this.deciding, this.subTasks.length, this.settled, racing);
  }

  private get deciding(): ReplyPolicy {
    return this.leading === undefined ? this.policy : { policy: 'primary', primary: this.leading };
  }

  private replyOfRace(): Reply {
    const { leading } = this;
    const reply = replyOf(this.deciding, this.settled, this.subTasks);
    if (leading === undefined || !('error' in reply)) return reply;
    const message = `The stream of ${leading} ${LOST[reply.error.code]}`;
    const failures = reply.error.failures.filter(({ subTask }) => subTask === leading);
    return { error: { ...reply.error, message, failures } };
  }

  private raceAnew(settled: readonly Outcome[]): void {
    this.settled = [];
    this.outcomes$ = undefined;
    for (const outcome of settled) this.settle(outcome);
  }

  private race(): Subject<Outcome> {
    const outcomes = new Subject<Outcome>();
    outcomes.pipe(decideBy(this.deciding, this.subTasks.length)).subscribe(() => {
      this.reply ??= deepFreeze(this.replyOfRace());
    });
    return outcomes;
  }
}

/** What became of the leading stream, by the code of the error reply. */
const LOST: Readonly<Record<Extract<Reply, { error: unknown }>['error']['code'], string>> = {
  'run-failed': 'broke off when callers had been shown some of it',
  'run-disputed': 'broke off when callers had been shown some of it',
  'run-cancelled': 'was cancelled when callers had been shown some of it',
  'deadline-exceeded': 'had not ended by the deadline of the run',
};

/** Whether a reply contains the result of a sub-task. */
export function answers(
  reply: Reply,
  subTask: string,
): reply is Extract<Reply, { readonly answeredBy: unknown }> {
  return 'answeredBy' in reply && [reply.answeredBy].flat().includes(subTask);
}
