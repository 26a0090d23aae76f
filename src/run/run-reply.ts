import type { Clock } from '../core/clock.js';
import { elapsedMs, millisecondsSince } from '../core/duration.js';
import type { RunEvent, SubTaskEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import { answeredBy, type AnsweredBy, type RunStanding } from '../core/run-standing.js';
import type { Decision, Outcome } from '../core/run.js';
import { leadAfter, type StreamLead } from '../core/stream-lead.js';
import type { Execution } from './execution.js';
import { answers, Outcomes } from './outcomes.js';
import { ReplyTimers } from './reply-timers.js';
import type { RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';
import { wholeReply } from './whole-reply.js';
import { WaitingCallers, type Undecided } from './waiting-callers.js';

/** The part of a run that its reply needs. */
export interface RepliedRun {
  readonly execution: Execution;
  readonly terms: RunTerms;
  readonly subTasks: readonly SubTaskRun[];
  cancel(reason: string): void;
  conclude(): void;
  appendOwn(type: 'run.replied', data: RunEvent<'run.replied'>['data']): void;
}

/** The reply of one run: the outcomes that race for it, the callers that wait for it, and the losers that it releases. */
export class RunReply {
  private readonly outcomes: Outcomes;
  readonly callers: WaitingCallers;
  /** The reply that callers were told. */
  private told: Decision | undefined;
  /** Time of the recorded reply. `answeredBy` says whose result it has. */
  private repliedAt: string | null = null;
  private answeredBy: AnsweredBy = null;
  /** Whether the journal has a reply with a result: such a reply stays. */
  private resultIsRecorded = false;
  /** Whether only the journal still has the reply. */
  isInJournalAlone = false;
  /** Whether a deadline makes the reply. Then callers are told only when it is committed; `appended`: its commit is under way. */
  private late: 'no' | 'due' | 'appended' = 'no';
  /** The attempt whose stream callers are shown; undefined as long as none was. */
  lead: StreamLead | undefined;
  /** Time from the start of the run to the first chunk that callers were shown, in milliseconds. */
  private firstChunkMs: number | undefined;
  private readonly timers: ReplyTimers;
  /** When the run began, on the clock of `performance.now()`; undefined after the first reply. */
  private startedAt: number | undefined;

  /** @param record what an earlier process has recorded of the run */
  constructor(
    private readonly run: RepliedRun,
    record?: Readonly<RunRecord>,
  ) {
    const { replyPolicy, subTasks, shadows } = run.terms;
    const told = record?.decision?.reply;
    const mayChange = record?.retriedSinceReply && told && 'error' in told;
    this.outcomes = new Outcomes(replyPolicy, subTasks, mayChange ? undefined : told, shadows);
    this.callers = new WaitingCallers(this.clock, record !== undefined);
    this.timers = new ReplyTimers(run, this);
    if (!record) {
      this.startedAt = this.clock.elapsed();
      this.timers.watchDeadlines(0);
    } else if (!record.decision) this.startedAt = this.clock.elapsed() - this.msSince(record.createdAt);
    this.lead = record?.lead;
    // A stream that the end of a process cut off decides nothing: its sub-task begins anew, which breaks the lead.
    const { lead } = this;
    if (lead && !lead.broken && record?.outcomes.some(({ subTask }) => subTask === lead.subTask))
      this.outcomes.follow(lead.subTask);
    for (const outcome of record?.outcomes ?? []) this.settle(outcome);
    if (record?.decision) this.replyIsRecorded(record.decision, record.repliedAt);
  }

  private get clock(): Clock {
    return this.run.execution.clock;
  }

  /** Whether every sub-task has an outcome. */
  get complete(): boolean {
    return this.outcomes.complete;
  }

  /** Whether a held sub-task has to start, because the reply policy can't be met without it. */
  get needsMore(): boolean {
    return this.outcomes.needsMore(this.background);
  }

  /** The committed outcome of a sub-task. */
  outcomeOf(subTask: string): Outcome | undefined {
    return this.outcomes.of(subTask);
  }

  /** Resolves as {@link WaitingCallers.wait} says. */
  wait(waitMs: number): Promise<Decision | Undecided | undefined> {
    return this.told && waitMs > 0 ? Promise.resolve(this.told) : this.callers.wait(waitMs);
  }

  /** State of the run by its committed events. */
  get standing(): RunStanding {
    const { repliedAt, answeredBy } = this;
    const open = this.run.subTasks.filter(({ name }) => !this.outcomeOf(name));
    return { repliedAt, answeredBy, unfinished: open.map(({ name }) => name) };
  }

  /** Called when the reply is committed. @param time time of the reply */
  replyIsRecorded(decision: Decision, time: string | null): void {
    this.repliedAt = time;
    this.answeredBy = answeredBy(decision.reply);
    this.resultIsRecorded = !isError(decision);
    if (this.late === 'appended' && !this.told) this.tell(decision);
  }

  /** Forgets a committed result that no reply needs any more. @returns whether it did */
  forgetResult(subTask: string): boolean {
    const { told } = this;
    if (!this.outcomes.forgetResult(subTask, this.resultIsRecorded)) return false;
    if (told && answers(told.reply, subTask)) {
      this.told = { ...told, reply: { ...told.reply, result: null } };
      this.isInJournalAlone = true;
    }
    return true;
  }

  /** Called for committed events that may change the leading stream. @returns whether it has changed */
  follow(event: SubTaskEvent): boolean {
    const { lead: before, run } = this;
    const lead = leadAfter(before, run.terms, event);
    if (lead === before || !lead) return false;
    this.lead = lead;
    const { startedAt } = this;
    if (!before && startedAt !== undefined) this.firstChunkMs = elapsedMs(startedAt, this.clock);
    if (!lead.broken) {
      this.outcomes.follow(lead.subTask);
      this.timers.releaseLosers(0);
    } else {
      this.timers.keepLosers();
      this.outcomes.follow(undefined);
    }
    return true;
  }

  /** The sub-task whose stream callers are shown, as long as its outcome is going to be the reply. */
  get shown(): string | undefined {
    return this.outcomes.leading;
  }

  /** Whether no other stream can take the lead now. */
  get leadIsKnown(): boolean {
    return this.outcomes.decided || this.lead?.broken === false;
  }

  settle(outcome: Outcome): void {
    this.outcomes.settle(outcome);
  }

  /** Removes an outcome, because its sub-task is retried. A result that was replied stays; an error may become a result. */
  unsettle(subTask: string): void {
    this.outcomes.unsettle(subTask);
    const { decision, told } = this;
    if (!told && this.late !== 'appended') return;
    if (decision && (!told || isError(decision) === isError(told))) return;
    this.told = undefined;
    this.startedAt = undefined;
    this.late = 'no';
  }

  /** Tells callers the reply, once the policy is met or defeated. @returns the decision by the outcomes so far */
  decide(): Decision | undefined {
    const { decision, startedAt } = this;
    if (!decision || this.told || this.late === 'appended') return decision;
    this.timers.replied();
    if (this.late === 'due') this.late = 'appended';
    else this.tell(decision);
    const { firstChunkMs } = this;
    const data =
      startedAt === undefined
        ? decision
        : {
            durationMs: elapsedMs(startedAt, this.clock),
            ...(firstChunkMs !== undefined && { firstChunkMs }),
            ...decision,
          };
    this.run.appendOwn('run.replied', data);
    // The losers of a stream were released when the stream began to lead.
    if (decision.background.length > 0 && !this.lead) this.timers.releaseLosers(0);
    return decision;
  }

  /** Goes on from the reply of an earlier process. Deadlines and the end of losers come when they were due. */
  resume(record: Readonly<RunRecord>): void {
    const { decision } = this;
    const isNew = record.finishedAt === null && !record.reopened;
    if (record.decision && decision && isError(record.decision) === isError(decision)) {
      this.tell(record.decision);
      if (decision.background.length > 0 && isNew) this.timers.releaseLosers(this.msSince(record.repliedAt));
    }
    if (isNew) this.timers.watchDeadlines(this.msSince(record.createdAt), record.decision !== null);
  }

  /** Called when the losers have ended. */
  end(): void {
    this.timers.end();
  }

  /** Tells callers that this process doesn't decide. For the parameter see {@link WaitingCallers.giveUp}. */
  giveUp(elsewhere: boolean): void {
    this.end();
    this.callers.giveUp(elsewhere);
  }

  /**
   * The reply by the outcomes so far; undefined as long as the policy is neither met nor defeated. A sub-task
   * that is held is not part of the background: after the reply it doesn't start.
   */
  private get decision(): Decision | undefined {
    return this.outcomes.decided ? this.outcomes.decision(this.background) : undefined;
  }

  /** The sub-tasks without a committed outcome, except those that are held. */
  private get background(): string[] {
    const names: string[] = [];
    for (const { name, phase } of this.run.subTasks)
      if (phase !== 'held' && !this.outcomeOf(name)) names.push(name);
    return names;
  }

  private msSince(time: string | null): number {
    return millisecondsSince(time, this.run.execution.journal.now());
  }

  private tell(decision: Decision): void {
    const { terms, subTasks } = this.run;
    this.told = terms.definition?.redaction
      ? { ...decision, reply: wholeReply(decision.reply, subTasks) }
      : decision;
    this.callers.tell(this.told);
  }

  /** Called when the deadline of the reply comes: the reply is made of the outcomes so far. */
  replyNow(): void {
    if (this.outcomes.decided) return;
    this.outcomes.replyNow();
    this.late = 'due';
    this.run.conclude();
  }
}

function isError({ reply }: Decision): boolean {
  return 'error' in reply;
}
