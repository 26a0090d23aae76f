import { Injectable } from '@nestjs/common';
import type { RunRecord, SubTaskRecord } from '../core/run-record.js';
import { startDelay, type StartDelay, type StartRule } from '../core/start-rule.js';
import type { TaskDefinition } from '../core/task.js';
import { HedgeBudget } from './hedge-budget.js';
import { LaterStarts, type HeldSubTask, type PastStarts, type StaggeredRun } from './later-starts.js';
import { ReplyTimes } from './reply-times.js';

/** What is the same for all runs of a task. */
interface StartPlan {
  /** The sub-tasks that don't start at once, with their rules. */
  readonly later: ReadonlyMap<string, StartRule>;
  readonly budget: HedgeBudget;
}

/** Knows of each task which of its sub-tasks start later than its runs, and what is left of its hedge budget. */
@Injectable()
export class StartPlans {
  private readonly plans = new WeakMap<TaskDefinition, StartPlan>();

  constructor(private readonly replyTimes: ReplyTimes) {}

  /**
   * What starts those sub-tasks of a run that it holds; undefined where it holds none.
   *
   * @param startedAt when the run began, on the clock of `performance.now()`
   * @param record what an earlier process has recorded of it
   */
  laterStartsOf(run: StaggeredRun, startedAt: number, record?: Readonly<RunRecord>): LaterStarts | undefined {
    const { definition } = run.terms;
    if (!definition) return undefined;
    const { later, budget } = this.planOf(definition);
    if (later.size === 0) return undefined;
    budget.runBegan();
    const held = run.subTasks.flatMap((subTask): HeldSubTask[] => {
      if (subTask.phase !== 'held') return [];
      const rule = later.get(subTask.name) ?? 'after-failure';
      const dueMs = this.once(definition.name, startDelay(rule));
      return [{ subTask, dueMs, afterAttempt: rule === 'after-failed-attempt' }];
    });
    if (held.length === 0) return undefined;
    return new LaterStarts(run, held, budget, startedAt, record && pastStarts(record));
  }

  /** Lets a task go on with the hedge budget of an earlier declaration of it, where that has the same share. */
  carryOver(before: TaskDefinition, after: TaskDefinition): void {
    if (before.hedgeBudget === after.hedgeBudget) this.makePlan(after, this.planOf(before).budget);
  }

  private planOf(task: TaskDefinition): StartPlan {
    return this.plans.get(task) ?? this.makePlan(task, new HedgeBudget(task.hedgeBudget));
  }

  private makePlan(task: TaskDefinition, budget: HedgeBudget): StartPlan {
    const later = new Map<string, StartRule>();
    task.subTasks.forEach(({ name }, index) => {
      const rule = task.starts[index] ?? 'at-once';
      if (rule !== 'at-once') later.set(name, rule);
    });
    const plan = { later, budget };
    this.plans.set(task, plan);
    return plan;
  }

  /** Looks a quantile up when it is first asked for: within a run it doesn't change. */
  private once(task: string, delay: StartDelay | undefined): HeldSubTask['dueMs'] {
    let known: number | undefined;
    return () => (known ??= delay && this.look(task, delay));
  }

  private look(task: string, delay: StartDelay): number {
    if ('ms' in delay) return delay.ms;
    return this.replyTimes.replyTime(task, delay.quantile) ?? delay.coldStartMs;
  }
}

function pastStarts({ outcomes, subTasks }: Readonly<RunRecord>): PastStarts {
  const failed = outcomes.filter((outcome) => outcome.status === 'failed');
  const namesOf = (which: (subTask: SubTaskRecord) => boolean) =>
    subTasks.filter(which).map(({ name }) => name);
  return {
    failed: failed.map(({ subTask }) => subTask),
    stumbled: namesOf(({ failures }) => failures > 0),
    byFailure: namesOf(({ trigger }) => trigger === 'failure').length,
    byAttempt: namesOf(({ trigger }) => trigger === 'failed-attempt').length,
    isFinal: failed.some(({ error }) => error.final),
    heldBack: namesOf(({ heldBack = false }) => heldBack),
  };
}
