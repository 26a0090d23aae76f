import { millisecondsSince } from '../core/duration.js';
import type { EventType, RunEvent, SubTaskEvent } from '../core/events.js';
import type { Labels } from '../core/labels.js';
import { aboutRun, runEvent } from '../core/new-event.js';
import type { Redaction } from '../core/redaction.js';
import { originFields, type OriginFields } from '../core/run-origin.js';
import { outcomeOf } from '../core/outcome.js';
import { standingOf, type AnsweredBy, type RunStanding } from '../core/run-standing.js';
import type { RunRecord } from '../core/run-record.js';
import type { Decision, Obstacle } from '../core/run.js';
import { CommittedEvents } from './committed-events.js';
import type { Execution } from './execution.js';
import type { IdempotencyKey } from './idempotency-key.js';
import type { LaterStarts, StaggeredRun } from './later-starts.js';
import { RunReply } from './run-reply.js';
import type { Hosted, RunHost } from './run-host.js';
import { clauseAgainst } from './obstacles.js';
import { counts } from './reply.js';
import { definitionOf, endOf, obstacleOf, recordedTerms, startOf, type RunTerms } from './run-terms.js';
import { StreamRace } from './stream-race.js';
import type { StreamPlace } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';
import { endEach, SubTaskRun } from './sub-task-run.js';
import type { Undecided } from './waiting-callers.js';

/** Results that take no more than this in memory, in bytes, stay there until their run ends: few readers then ask the journal. */
const SMALL_RESULT = 4_096;

const UNKNOWN = { attempts: 0, status: 'pending', finishedAt: '' } as const;

/**
 * A live run: one execution of a task. It owns its sub-tasks, its outcomes, its timers and the callers that wait for its reply.
 * Whether it is new, resumed after a crash, taken over from another node or reopened makes no difference once it is made.
 *
 * - `open`: sub-tasks are unfinished
 * - `ended`: `run.finished` is appended
 * - `left`: another process resumes it; nothing more is recorded here
 *
 * A reply is made of committed events alone, or, where a deadline makes it, is committed first: so whoever resumes the run decides the same.
 */
export class Run implements SubTaskOwner, Hosted, StaggeredRun {
  readonly id: string;
  readonly about: string;
  readonly task: string;
  readonly client: string | undefined;
  readonly labels: Labels | undefined;
  readonly subTasks: readonly SubTaskRun[];
  readonly originFields: OriginFields;
  readonly endsAt: number;
  readonly isGuest = false;
  readonly execution: Execution;
  readonly parsedInput: unknown;
  number: number | undefined;
  readonly commits: number[] = [];
  shared = false;
  lastMs: number;
  repliedMs = 0;
  answeredBy: AnsweredBy = null;
  private phase: 'open' | 'ended' | 'left' = 'open';
  private readonly replying: RunReply;
  /** Starts the sub-tasks that are held; undefined when there are none, or none any more. */
  private later: LaterStarts | undefined;
  /** Resolves with whether this process is the one that reopens it. */
  private reopening: PromiseWithResolvers<boolean> | undefined;
  private readonly history: CommittedEvents;
  /** Its sub-tasks that can't begin any more, and why. */
  private readonly unable: { readonly subTask: SubTaskRun; readonly obstacle: Obstacle }[] = [];
  /** How many of its sub-tasks wait for a slot. */
  private waiting = 0;
  /** Undefined where none of its sub-tasks streams. */
  private readonly streams: StreamRace | undefined;

  private constructor(
    private readonly host: RunHost,
    readonly terms: RunTerms,
    record?: Readonly<RunRecord>,
  ) {
    const { id, task, subTasks, origin } = terms;
    this.id = id;
    this.task = task;
    this.client = origin.clientId ?? undefined;
    this.labels = terms.labels;
    this.about = aboutRun(id, this);
    this.execution = host.execution;
    this.parsedInput = terms.parsedInput;
    this.originFields = originFields(origin, task);
    this.endsAt = endOf(terms, host.execution.journal, record);
    this.subTasks = subTasks.map((name, at) => new SubTaskRun(this, name, definitionOf(terms, name, at)));
    this.history = new CommittedEvents(record);
    this.replying = new RunReply(this, record);
    if (terms.definition?.streams || record?.lead)
      this.streams = new StreamRace(terms, this.subTasks, this.replying);
    this.number = record?.firstEventId;
    this.lastMs = record ? Date.parse(record.lastEventTime) : 0;
    if (record?.repliedAt)
      [this.repliedMs, this.answeredBy] = [Date.parse(record.repliedAt), standingOf(record).answeredBy];
    this.commits.push(...(record?.commits ?? []));
    record?.subTasks.forEach((state, index) => this.subTasks[index]?.restore(state));
  }

  /** A new run, which is appended to the journal. {@link begin} begins its sub-tasks. @param key kept with it in the same commit */
  static accept(host: RunHost, terms: RunTerms, key: IdempotencyKey | undefined): Run {
    const run = new Run(host, terms);
    run.appendOwn('run.started', recordedTerms(terms), key);
    run.subTasks.forEach((subTask, index) => {
      const obstacle = terms.unfit ?? clauseAgainst(terms, subTask.name);
      if (obstacle !== undefined) run.unable.push({ subTask, obstacle });
      else if (terms.definition?.starts[index] === 'at-once') subTask.prepare();
      else subTask.hold();
    });
    if (terms.obstacles) run.startFirstEligible(terms.obstacles);
    run.later = host.plans.laterStartsOf(run, run.execution.clock.elapsed());
    return run;
  }

  /**
   * A run that another process began. {@link begin} begins its unfinished sub-tasks anew, but for those that had not begun and, as
   * the task now declares them, start later than the run.
   *
   * @param record what is committed of it
   * @param placed its sub-tasks that other nodes execute
   */
  static resume(
    host: RunHost,
    terms: RunTerms,
    record: Readonly<RunRecord>,
    placed: readonly string[] = [],
  ): Run {
    const run = new Run(host, terms, record);
    run.shared = placed.length > 0;
    run.subTasks.forEach((subTask, index) => {
      const { attempts, finishedAt, status } = record.subTasks[index] ?? UNKNOWN;
      if (finishedAt !== null) return;
      const clause = attempts === 0 ? clauseAgainst(terms, subTask.name) : undefined;
      const obstacle = obstacleOf(terms, subTask.name) ?? clause;
      if (placed.includes(subTask.name)) subTask.becomePlaced();
      else if (obstacle !== undefined) run.unable.push({ subTask, obstacle });
      else if (status === 'pending' && startOf(terms, subTask.name) !== 'at-once') subTask.hold();
      else subTask.prepare();
    });
    run.later = host.plans.laterStartsOf(
      run,
      run.execution.clock.elapsed() - millisecondsSince(record.createdAt, host.execution.journal.now()),
      record,
    );
    run.replying.resume(record);
    run.forgetResults();
    return run;
  }

  /** A run that was finished, of which a failed sub-task is to be retried: see {@link reopened}. */
  static reopen(host: RunHost, terms: RunTerms, record: Readonly<RunRecord>): Run {
    const run = new Run(host, terms, record);
    run.replying.resume(record);
    run.forgetResults();
    run.reopening = Promise.withResolvers();
    run.appendOwn('run.reopened', {});
    return run;
  }

  /** Resolves when it is recorded that the run goes on; to false when another process has reopened it before. */
  get reopened(): Promise<boolean> {
    return this.reopening?.promise ?? Promise.resolve(true);
  }

  /** All that is committed of it; undefined before its first event is, and while the journal alone has all of it. */
  get record(): RunRecord | undefined {
    const { record } = this.history;
    return record && { ...record, commits: [...this.commits] };
  }

  /** How far it has come, as far as that is committed. */
  get standing(): RunStanding {
    return this.replying.standing;
  }

  get startedAt(): string | undefined {
    return this.history.startedAt;
  }

  get lastEventId(): number {
    return this.history.lastId;
  }

  /** Whether the journal must be asked for its reply. */
  get replyIsInJournalAlone(): boolean {
    return this.replying.isInJournalAlone;
  }

  get redaction(): Redaction | undefined {
    return this.terms.definition?.redaction;
  }

  /** Whether its end is appended, or another process resumes it. */
  get isOver(): boolean {
    return this.phase !== 'open';
  }

  /** The names of its sub-tasks that this process executes, or is to. */
  get here(): string[] {
    return this.subTasks.filter(({ isHere }) => isHere).map(({ name }) => name);
  }

  /** Whether a held sub-task has to start, because the reply policy can't be met without it. */
  get needsMore(): boolean {
    return this.replying.needsMore;
  }

  /** Whether a sub-task has ended here whose outcome isn't committed yet. */
  get outcomeIsUncommitted(): boolean {
    const { shadows } = this.terms;
    return this.subTasks.some(
      ({ phase, name }) => phase === 'ended' && !this.replying.outcomeOf(name) && !shadows?.includes(name),
    );
  }

  /** Begins what is ready, fails what can't begin, and starts what is held as far as it is due. */
  begin(): void {
    this.decide();
    for (const { subTask, obstacle } of this.unable.splice(0)) subTask.neverBegin(obstacle);
    for (const subTask of this.subTasks) subTask.enqueue();
    this.later?.update();
  }

  /** Resolves as {@link WaitingCallers.wait} says; to {@link Undecided} when this process stops executing the run before. */
  reply(waitMs: number): Promise<Decision | Undecided | undefined> {
    return this.phase === 'left' ? Promise.resolve(this.replying.elsewhere) : this.replying.wait(waitMs);
  }

  /** Cancels what is unfinished. */
  cancel(reason: string): void {
    endEach(this.subTasks, (subTask) => subTask.cancel(reason));
  }

  /** Cancels what is unfinished, but for shadows, the stream that callers are shown and those that may have to take its place. */
  cancelLosers(reason: string): void {
    const { shown } = this.replying;
    const { shadows } = this.terms;
    const mayRestart = shown !== undefined && this.terms.onBreak === 'restart';
    const losers = this.subTasks.filter(
      ({ name, phase }) => name !== shown && !(mayRestart && phase === 'held') && !shadows?.includes(name),
    );
    endEach(losers, (subTask) => {
      subTask.cancel(reason);
    });
  }

  /**
   * Retries a failed sub-task; false when it has not failed, or the run is over. A result that was replied stays.
   *
   * @param key stands for the request’s idempotency key
   * @param clause why it is not eligible now, where it isn't
   */
  retry(name: string, key?: string, clause?: Obstacle): boolean {
    const subTask = this.subTasks.find((candidate) => candidate.name === name);
    const outcome = this.replying.outcomeOf(name);
    if (!subTask || this.isOver || outcome?.status !== 'failed') return false;
    this.replying.unsettle(name);
    subTask.retry(outcome.error, key);
    const obstacle = obstacleOf(this.terms, name) ?? clause;
    if (obstacle !== undefined) subTask.neverBegin(obstacle);
    else {
      subTask.prepare();
      subTask.enqueue();
    }
    this.host.concludeSoon(this);
    return true;
  }

  /**
   * Stops waiting for decisions: callers are told that the run is undecided.
   *
   * @param elsewhere whether another node resumes it now; else the next process that starts does
   */
  stop(elsewhere: boolean): void {
    this.later?.stop();
    this.later = undefined;
    this.reopening?.resolve(false);
    this.replying.giveUp(elsewhere);
    this.terms.trace?.left(this.execution.journal.now());
  }

  /** Ends what goes on of it in this process, without outcomes. */
  abandon(): void {
    endEach(this.subTasks, (subTask) => {
      subTask.abandon();
    });
  }

  /** Lets another node have it: nothing more is recorded here. */
  leave(): void {
    this.phase = 'left';
    this.abandon();
    this.stop(true);
    this.host.ended(this);
  }

  append(event: RunEvent, fenced: boolean, key?: IdempotencyKey): void {
    if (this.phase === 'left') return;
    this.execution.journal.append(this, event, fenced || key ? { fenced, key } : undefined);
  }

  committed(event: RunEvent): void {
    if (this.phase === 'left') return;
    this.history.add(event);
    this.terms.trace?.committed(event);
    if (this.shared) this.lastMs = Math.max(this.lastMs, Date.parse(event.time));
    if ('subTask' in event) this.subTaskCommitted(event);
    else if (event.type === 'run.started') this.replying.runIsRecorded();
    else if (event.type === 'run.replied') {
      this.replying.replyIsRecorded(event.data, event.time);
      this.forgetResults();
    } else if (event.type === 'run.reopened') this.reopening?.resolve(true);
    else this.host.ended(this);
  }

  /** Another node has the run, or has reopened it, or the journal can't hold it. What is fenced of its sub-tasks is in the log. */
  refused(event: RunEvent, isLost: boolean): void {
    if (event.type === 'run.started') this.replying.refuse();
    if (isLost || event.type === 'run.reopened') this.leave();
  }

  placeOfStream(subTask: string): StreamPlace {
    return this.streams?.placeOf(subTask) ?? 'lost';
  }

  /** A caller takes no more of its stream for now (1), or does again (-1): the upstream waits meanwhile. */
  holdStream(by: 1 | -1): void {
    this.streams?.hold(by);
  }

  changeWaiting(by: 1 | -1): void {
    this.waiting += by;
    if (this.waiting === (by === 1 ? 1 : 0)) this.host.changeQueue(by, this.terms.key);
  }

  changeHere(by: 1 | -1): void {
    this.host.changeHere(by);
  }

  /** Makes of the committed outcomes the reply and the end, and appends both. */
  conclude(): void {
    this.decide();
    this.later?.update();
  }

  /** Appends an event of the run itself. */
  appendOwn<T extends EventType>(type: T, data: RunEvent<T>['data'], key?: IdempotencyKey): void {
    this.append(runEvent(this, type, data), false, key);
  }

  /** Where none is left that starts at once, the first of the others does, unless the reply is another's. */
  private startFirstEligible(obstacles: ReadonlyMap<string, Obstacle>): void {
    const { subTasks, terms } = this;
    const racing = subTasks.filter(({ name }) => !terms.shadows?.includes(name));
    const decides = ({ name }: SubTaskRun) => counts(terms.replyPolicy, name);
    if (racing.some(({ phase, name }) => phase === 'waiting' || typeof obstacles.get(name) === 'object'))
      return;
    if (racing.some((subTask) => subTask.phase === 'held' && decides(subTask)))
      racing.find(({ phase }) => phase === 'held')?.prepare({ trigger: 'need' });
  }

  private decide(): void {
    const decision = this.isOver ? undefined : this.replying.decide();
    if (!decision) return;
    this.later?.end();
    this.later = undefined;
    this.streams?.end();
    const { status } = decision;
    if (!this.replying.complete || status === 'running') return;
    this.replying.end();
    this.phase = 'ended';
    this.appendOwn('run.finished', { status });
  }

  /** Lets those results leave memory that are committed, large, and needed by no reply. */
  private forgetResults(): void {
    for (const subTask of this.subTasks) {
      if (subTask.resultBytes <= SMALL_RESULT || !this.replying.forgetResult(subTask.name)) continue;
      subTask.forgetResult();
      this.history.forget();
    }
  }

  private subTaskCommitted(event: SubTaskEvent): void {
    for (const subTask of this.subTasks) if (subTask.name === event.subTask) subTask.committed(event);
    const leads = this.streams?.follow(event);
    if (leads !== undefined) this.later?.pause(leads);
    if (leads && this.terms.onBreak !== 'restart') this.later?.end();
    const outcome = outcomeOf(event);
    if (outcome) this.replying.settle(outcome);
    else if (!this.later && leads !== false) return;
    if (event.type === 'sub-task.succeeded') this.forgetResults();
    if (!this.terms.shadows?.includes(event.subTask)) this.later?.note(event);
    this.host.concludeSoon(this);
  }
}
