import { millisecondsSince } from '../core/duration.js';
import type { RunEvent, SubTaskEvent } from '../core/events.js';
import { outcomeOf } from '../core/outcome.js';
import type { RunRecord } from '../core/run-record.js';
import type { Obstacle } from '../core/run.js';
import type { Execution } from './execution.js';
import type { LaterStarts, StaggeredRun } from './later-starts.js';
import { RunReply, type RepliedRun } from './run-reply.js';
import { obstacleOf, type RunTerms } from './run-terms.js';
import type { StartPlans } from './start-plans.js';
import { StreamRace } from './stream-race.js';
import type { SubTaskRun } from './sub-task-run.js';

/** Results up to this size in memory, in bytes, stay there until their run ends: so readers seldom ask the journal. */
const SMALL_RESULT = 4_096;

/** The part of a run that its race needs. */
interface RacedRun extends RepliedRun {
  /** Whether its end is appended, or another process resumes it. */
  readonly isOver: boolean;
  /** Appends the end of the run. */
  finish(status: RunEvent<'run.finished'>['data']['status']): void;
}

/** The race of one run. Its committed outcomes make the reply, start later sub-tasks, and end the run. */
export class RunRace implements StaggeredRun {
  readonly reply: RunReply;
  /** Undefined where none of its sub-tasks streams. */
  readonly streams: StreamRace | undefined;
  /** Starts the sub-tasks that are held; undefined when there are none, or none any more. */
  private later: LaterStarts | undefined;

  /** @param record what an earlier process has recorded of the run */
  constructor(
    private readonly run: RacedRun,
    record?: Readonly<RunRecord>,
  ) {
    const { terms, subTasks } = run;
    this.reply = new RunReply(run, record);
    if (terms.definition?.streams || record?.lead) this.streams = new StreamRace(terms, subTasks, this.reply);
  }

  get execution(): Execution {
    return this.run.execution;
  }

  get terms(): RunTerms {
    return this.run.terms;
  }

  get subTasks(): readonly SubTaskRun[] {
    return this.run.subTasks;
  }

  get needsMore(): boolean {
    return this.reply.needsMore;
  }

  get outcomeIsUncommitted(): boolean {
    const { shadows } = this.terms;
    return this.subTasks.some(
      ({ phase, name }) => phase === 'ended' && !this.reply.outcomeOf(name) && !shadows?.includes(name),
    );
  }

  /** Prepares the later starts of held sub-tasks. {@link update} starts them. */
  startLater(plans: StartPlans, record?: Readonly<RunRecord>): void {
    const { clock, journal } = this.execution;
    const agoMs = record ? millisecondsSince(record.createdAt, journal.now()) : 0;
    this.later = plans.laterStartsOf(this, clock.elapsed() - agoMs, record);
  }

  /** Starts the held sub-tasks that are due now. */
  update(): void {
    this.later?.update();
  }

  /** Called for committed events of the sub-tasks. @returns whether {@link conclude} may have something to do */
  follow(event: SubTaskEvent): boolean {
    const leads = this.streams?.follow(event);
    if (leads !== undefined) this.later?.pause(leads);
    if (leads && this.terms.onBreak !== 'restart') this.later?.end();
    const outcome = outcomeOf(event);
    if (outcome) this.reply.settle(outcome);
    else if (!this.later && leads !== false) return false;
    if (!this.terms.shadows?.includes(event.subTask)) this.later?.note(event);
    return true;
  }

  /** Appends the reply and the end if the committed outcomes decide them. Otherwise starts the sub-tasks that are due. */
  conclude(): void {
    this.decide();
    this.update();
  }

  /** Appends the reply and the end of the run, if the committed outcomes decide them. */
  decide(): void {
    const decision = this.run.isOver ? undefined : this.reply.decide();
    if (!decision) return;
    this.later?.end();
    this.later = undefined;
    this.streams?.end();
    const { status } = decision;
    if (!this.reply.complete || status === 'running') return;
    this.reply.end();
    this.run.finish(status);
  }

  /** Retries a failed sub-task; returns false when it has not failed, or the run is over. For the parameters see `Run.retry`. */
  retry(name: string, key?: string, clause?: Obstacle): boolean {
    const subTask = this.subTasks.find((candidate) => candidate.name === name);
    const outcome = this.reply.outcomeOf(name);
    if (!subTask || this.run.isOver || outcome?.status !== 'failed') return false;
    this.reply.unsettle(name);
    subTask.retry(outcome.error, key);
    const obstacle = obstacleOf(this.terms, name) ?? clause;
    if (obstacle !== undefined) subTask.neverBegin(obstacle);
    else {
      subTask.prepare();
      subTask.enqueue();
    }
    return true;
  }

  /** Drops from memory the results that are committed, large, and needed by no reply. @returns whether there were any */
  forgetResults(): boolean {
    let forgotten = false;
    for (const subTask of this.subTasks) {
      if (subTask.resultBytes <= SMALL_RESULT || !this.reply.forgetResult(subTask.name)) continue;
      subTask.forgetResult();
      forgotten = true;
    }
    return forgotten;
  }

  /** Stops deciding, and tells waiting callers. @param elsewhere whether another node resumes the run now */
  stop(elsewhere: boolean): void {
    this.later?.stop();
    this.later = undefined;
    this.reply.giveUp(elsewhere);
  }
}
