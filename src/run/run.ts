import type { EventType, RunEvent, SubTaskEvent } from '../core/events.js';
import { runEvent } from '../core/new-event.js';
import { standingOf, type RunStanding } from '../core/run-standing.js';
import type { RunRecord } from '../core/run-record.js';
import type { Decision, Obstacle } from '../core/run.js';
import { prepareNew, prepareUnfinished, type UnableSubTask } from './beginnings.js';
import { CommittedEvents } from './committed-events.js';
import { endEach } from './end-each.js';
import { HostedRun } from './hosted-run.js';
import type { IdempotencyKey } from './idempotency-key.js';
import type { RunHost } from './run-host.js';
import { RunRace } from './run-race.js';
import { definitionOf, recordedTerms, type RunTerms } from './run-terms.js';
import type { StreamPlace } from './stream-reading.js';
import { SubTaskRun } from './sub-task-run.js';
import type { Undecided } from './waiting-callers.js';

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
export class Run extends HostedRun {
  readonly subTasks: readonly SubTaskRun[];
  readonly isGuest = false;
  shared = false;
  private phase: 'open' | 'ended' | 'left' = 'open';
  private readonly race: RunRace;
  /** Resolves with whether this process is the one that reopens it. */
  private reopening: PromiseWithResolvers<boolean> | undefined;
  private readonly history: CommittedEvents;
  private unable: readonly UnableSubTask[] = [];
  /** How many sub-tasks wait for a slot. */
  private waiting = 0;

  private constructor(host: RunHost, terms: RunTerms, record?: Readonly<RunRecord>) {
    super(host, terms, record);
    const { subTasks } = terms;
    this.subTasks = subTasks.map((name, at) => new SubTaskRun(this, name, definitionOf(terms, name, at)));
    this.history = new CommittedEvents(record);
    this.race = new RunRace(this, record);
    if (record?.repliedAt)
      [this.repliedMs, this.answeredBy] = [Date.parse(record.repliedAt), standingOf(record).answeredBy];
    this.commits.push(...(record?.commits ?? []));
    record?.subTasks.forEach((state, index) => this.subTasks[index]?.restore(state));
  }

  /** Makes a new run, and appends it to the journal. {@link begin} begins its sub-tasks. @param key recorded in the same commit */
  static accept(host: RunHost, terms: RunTerms, key: IdempotencyKey | undefined): Run {
    const run = new Run(host, terms);
    run.appendOwn('run.started', recordedTerms(terms), key);
    run.unable = prepareNew(terms, run.subTasks);
    run.race.startLater(host.plans);
    return run;
  }

  /**
   * Makes a run that another process began. {@link begin} begins its unfinished sub-tasks anew, except those that had not begun and, as
   * the task now declares them, start later than the run.
   *
   * @param record what is committed of the run
   * @param placed the sub-tasks that other nodes execute
   */
  static resume(
    host: RunHost,
    terms: RunTerms,
    record: Readonly<RunRecord>,
    placed: readonly string[] = [],
  ): Run {
    const run = new Run(host, terms, record);
    run.shared = placed.length > 0;
    run.unable = prepareUnfinished(terms, run.subTasks, record, placed);
    run.race.startLater(host.plans, record);
    run.race.reply.resume(record);
    run.forgetResults();
    return run;
  }

  /** Makes a run again that was finished, to retry a failed sub-task: see {@link reopened}. */
  static reopen(host: RunHost, terms: RunTerms, record: Readonly<RunRecord>): Run {
    const run = new Run(host, terms, record);
    run.race.reply.resume(record);
    run.forgetResults();
    run.reopening = Promise.withResolvers();
    run.appendOwn('run.reopened', {});
    return run;
  }

  /** Resolves to true when it is recorded that the run goes on; to false when another process has reopened it before. */
  get reopened(): Promise<boolean> {
    return this.reopening?.promise ?? Promise.resolve(true);
  }

  /** The committed record; undefined before the first commit, and while only the journal has the whole run. */
  get record(): RunRecord | undefined {
    const { record } = this.history;
    return record && { ...record, commits: [...this.commits] };
  }

  /** State of the run by its committed events. */
  get standing(): RunStanding {
    return this.race.reply.standing;
  }

  get startedAt(): string | undefined {
    return this.history.startedAt;
  }

  get lastEventId(): number {
    return this.history.lastId;
  }

  /** Whether only the journal still has the reply. */
  get replyIsInJournalAlone(): boolean {
    return this.race.reply.isInJournalAlone;
  }

  /** Whether the run's end is appended, or another process resumes the run. */
  get isOver(): boolean {
    return this.phase !== 'open';
  }

  /** Begins the sub-tasks that are ready, fails those that can't begin, and starts held ones that are due. */
  begin(): void {
    this.race.decide();
    for (const { subTask, obstacle } of this.unable) subTask.neverBegin(obstacle);
    for (const subTask of this.subTasks) subTask.enqueue();
    this.race.update();
  }

  /** Resolves as {@link WaitingCallers.wait} says; to {@link Undecided} when this process stops executing the run before. */
  reply(waitMs: number): Promise<Decision | Undecided | undefined> {
    const { reply } = this.race;
    return this.phase === 'left' ? Promise.resolve(reply.callers.elsewhere) : reply.wait(waitMs);
  }

  /** Cancels the unfinished sub-tasks. */
  cancel(reason: string): void {
    endEach(this.subTasks, (subTask) => subTask.cancel(reason));
  }

  /**
   * Retries a failed sub-task; returns false when it has not failed, or the run is over. A result that was replied stays.
   *
   * @param key stands for the request’s idempotency key
   * @param clause why the sub-task is not eligible now; undefined where it is
   */
  retry(name: string, key?: string, clause?: Obstacle): boolean {
    if (!this.race.retry(name, key, clause)) return false;
    this.host.concludeSoon(this.race);
    return true;
  }

  /**
   * Tells waiting callers that the run is undecided here.
   *
   * @param elsewhere whether another node resumes the run now; otherwise the next process that starts does
   */
  stop(elsewhere: boolean): void {
    this.reopening?.resolve(false);
    this.race.stop(elsewhere);
    this.terms.trace?.left(this.execution.journal.now());
  }

  /** Ends the sub-tasks in this process without outcomes. */
  abandon(): void {
    endEach(this.subTasks, (subTask) => {
      subTask.abandon();
    });
  }

  /** Leaves the run to another node: nothing more is recorded here. */
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
    else if (event.type === 'run.started') this.race.reply.callers.runIsRecorded();
    else if (event.type === 'run.replied') {
      this.race.reply.replyIsRecorded(event.data, event.time);
      this.forgetResults();
    } else if (event.type === 'run.reopened') this.reopening?.resolve(true);
    else this.host.ended(this);
  }

  /** Called when another node has the run or has reopened it, or the journal can't hold it. Outcomes of fenced sub-tasks are in the log. */
  refused(event: RunEvent, isLost: boolean): void {
    if (event.type === 'run.started') this.race.reply.callers.refuse();
    if (isLost || event.type === 'run.reopened') this.leave();
  }

  placeOfStream(subTask: string): StreamPlace {
    return this.race.streams?.placeOf(subTask) ?? 'lost';
  }

  /** A caller takes no more of the stream for now (1), or does again (-1). The upstream waits meanwhile. */
  holdStream(by: 1 | -1): void {
    this.race.streams?.hold(by);
  }

  changeWaiting(by: 1 | -1): void {
    this.waiting += by;
    if (this.waiting === (by === 1 ? 1 : 0)) this.host.changeQueue(by, this.terms.key);
  }

  /** Makes of the committed outcomes the reply and the end, and appends both. */
  conclude(): void {
    this.race.conclude();
  }

  /** Appends the run's end: every sub-task has its outcome. */
  finish(status: RunEvent<'run.finished'>['data']['status']): void {
    this.phase = 'ended';
    this.appendOwn('run.finished', { status });
  }

  /** Appends an event of the run itself. */
  appendOwn<T extends EventType>(type: T, data: RunEvent<T>['data'], key?: IdempotencyKey): void {
    this.append(runEvent(this, type, data), false, key);
  }

  private forgetResults(): void {
    if (this.race.forgetResults()) this.history.forget();
  }

  private subTaskCommitted(event: SubTaskEvent): void {
    for (const subTask of this.subTasks) if (subTask.name === event.subTask) subTask.committed(event);
    if (!this.race.follow(event)) return;
    if (event.type === 'sub-task.succeeded') this.forgetResults();
    this.host.concludeSoon(this.race);
  }
}
