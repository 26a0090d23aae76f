import { Injectable } from '@nestjs/common';
import { EmbeddedEngine } from './embedded-engine.js';
import type { RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from './journal.js';
import { elapsedMs, milliseconds, millisecondsSince } from '../core/duration.js';
import { FollowedRun, type RunTerms } from './followed-run.js';
import { outcomeOf } from '../core/run-record.js';
import { NOT_NEEDED, type Decision } from '../core/run.js';
import type { RunRecord } from '../core/run-record.js';
import type { StaggeredStart } from './staggered-start.js';
import { StaggeredStarts } from './staggered-starts.js';
import type { TaskDefinition } from '../core/task.js';

/** What is known of a run that has no reply when this process follows it no more. */
export interface Undecided {
  /** Whether the journal has the run, so that another process goes on with it. */
  readonly recorded: boolean;
  /** Whether another node does so now; else the next one that starts. */
  readonly elsewhere: boolean;
}

/** A run from its start, or from where it is taken up again, to its end. */
interface Course {
  readonly run: FollowedRun;
  /** Resolves when the journal has the run; for those that are told so before there is a reply. */
  readonly accepted: Promise<void>;
  /** When it began, on the clock of `performance.now()`; undefined when it was replied before. */
  startedAt: number | undefined;
  /** What starts the sub-tasks that are held; undefined when there are none, or none any more. */
  later: StaggeredStart | undefined;
  recorded: boolean;
  /** What the caller is, or was, told. */
  told: Decision | undefined;
  decided: PromiseWithResolvers<Decision | Undecided>;
  cancelling: NodeJS.Timeout | undefined;
}

/** What is to be followed of a run besides its terms. */
export interface FollowOptions {
  /** Undefined when the service has the task no more. */
  readonly task: TaskDefinition | undefined;
  /** When the run began, on the clock of `performance.now()`. */
  readonly startedAt: number;
  /** Resolves when the journal has the run. */
  readonly accepted: Promise<void>;
  /** How far the run has come before. */
  readonly past?: RunRecord;
}

/** Makes of each run's committed outcomes its reply and its end, and journals both; starts the sub-tasks that are held till then. */
@Injectable()
export class RunCoordinator {
  private readonly courses = new Map<string, Course>();

  constructor(
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly bus: EventBus,
    private readonly staggered: StaggeredStarts,
  ) {}

  /**
   * Follows a run to its end. The reply is made of committed outcomes alone, so whoever follows the run after a crash
   * decides the same; that is why nobody need wait for `run.replied` to be committed too.
   *
   * A run that has come some way before starts nothing that is held before {@link goOn} is called.
   */
  follow(terms: RunTerms, { task, startedAt, accepted, past }: FollowOptions): void {
    const run = new FollowedRun(terms, past);
    const course: Course = {
      run,
      accepted,
      startedAt: past?.decision ? undefined : startedAt,
      later: task && this.staggered.of(run, task, startedAt, past),
      recorded: past !== undefined,
      told: undefined,
      decided: Promise.withResolvers(),
      cancelling: undefined,
    };
    this.courses.set(terms.id, course);
    const follower = (event: RunEvent): void => {
      course.recorded = true;
      this.engine.heard(event);
      const outcome = outcomeOf(event);
      if (outcome) run.settle(outcome);
      else if (!course.later) return;
      if (outcome?.status === 'failed') course.later?.failed();
      // When all events of the commit are in, so that the reply tells of each of them.
      queueMicrotask(() => {
        this.conclude(course);
        course.later?.goOn();
      });
    };
    this.bus.follow(terms.id, follower, past);
    const { decision } = run;
    if (past?.decision && decision && isError(past.decision) === isError(decision)) {
      course.told = past.decision;
      course.decided.resolve(past.decision);
      if (decision.background.length > 0 && !past.reopened)
        this.releaseLosers(course, millisecondsSince(past.repliedAt));
    }
    this.conclude(course);
    if (!past) course.later?.goOn();
  }

  /** Starts what is held of a run and is to start as things stand; called when the others have begun. */
  goOn(runId: string): void {
    this.courses.get(runId)?.later?.goOn();
  }

  /** Whether a run is followed: from its start, or from where it was taken up, until its end is appended. */
  follows(runId: string): boolean {
    return this.courses.has(runId);
  }

  /**
   * What the caller of a run that is followed is told, unless a stop comes first; undefined when it takes longer than
   * `waitMs` milliseconds, but not before the journal has the run.
   */
  async decision(runId: string, waitMs: number): Promise<Decision | Undecided | undefined> {
    const course = this.courses.get(runId);
    if (!course) return undefined;
    const { accepted, decided } = course;
    if (waitMs > 0) {
      const decision = await within(decided.promise, waitMs);
      if (decision) return decision;
    }
    const stopped = decided.promise.then((decision) => ('recorded' in decision ? decision : undefined));
    return Promise.race([accepted.then(() => undefined), stopped]);
  }

  /** Takes back that a sub-task has ended; false when its run is followed no more. */
  unsettle(runId: string, subTask: string): boolean {
    const course = this.courses.get(runId);
    if (!course) return false;
    course.run.unsettle(subTask);
    const { decision } = course.run;
    if (course.told && (!decision || isError(decision) !== isError(course.told))) {
      course.told = undefined;
      course.startedAt = undefined;
      course.decided = Promise.withResolvers();
    }
    queueMicrotask(() => {
      this.conclude(course);
    });
    return true;
  }

  /** Lets nobody wait for decisions any more: what is undecided is left to the next process. */
  stop(): void {
    for (const course of this.courses.values()) leave(course, false);
  }

  /** Follows nothing any more: other nodes go on with all runs of this one. */
  leaveAll(): void {
    for (const course of this.courses.values()) leave(course, true);
    this.courses.clear();
  }

  private conclude(course: Course): void {
    const { terms, decision } = course.run;
    if (!decision || this.courses.get(terms.id) !== course) return;
    const about = { runId: terms.id, task: terms.task };
    const unfinished = decision.background.length > 0;
    if (!course.told) {
      course.told = decision;
      course.decided.resolve(decision);
      const { startedAt } = course;
      const data = startedAt === undefined ? decision : { durationMs: elapsedMs(startedAt), ...decision };
      void this.journal.append({ type: 'run.replied', ...about, data });
      if (unfinished) this.releaseLosers(course, 0);
    }
    course.later?.end();
    course.later = undefined;
    if (!course.run.ended) return;
    clearTimeout(course.cancelling);
    this.courses.delete(terms.id);
    const { status } = decision;
    if (status !== 'running') void this.journal.append({ type: 'run.finished', ...about, data: { status } });
  }

  private releaseLosers(course: Course, sinceReplyMs: number): void {
    const { id, losers } = course.run.terms;
    if (losers === 'continue') return;
    if (losers === 'cancel') {
      this.engine.cancel(id, NOT_NEEDED);
      return;
    }
    const cancel = (): void => {
      this.engine.cancel(id, `unfinished ${losers.after} after the reply`);
    };
    const leftMs = milliseconds(losers.after) - sinceReplyMs;
    if (leftMs <= 0) cancel();
    else course.cancelling = setTimeout(cancel, leftMs);
  }
}

function leave(course: Course, elsewhere: boolean): void {
  const { recorded, decided, cancelling, later } = course;
  clearTimeout(cancelling);
  later?.stop();
  course.later = undefined;
  decided.resolve({ recorded, elsewhere });
}

function isError({ reply }: Decision): boolean {
  return 'error' in reply;
}

/** What `promise` resolves to; undefined when it takes longer than `ms`. */
function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
