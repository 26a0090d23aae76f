import { Injectable } from '@nestjs/common';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';
import { startDelay, type StartDelay } from '../core/start-rule.js';
import type { TaskDefinition } from '../core/task.js';
import type { Breakers } from './breakers.js';
import { Exploration, isLeftAlone } from './exploration.js';
import { HedgeBudget } from './hedge-budget.js';
import {
  LaterStarts,
  NOTHING,
  type HeldSubTask,
  type PastStarts,
  type StaggeredRun,
} from './later-starts.js';
import { ReplyTimes } from './reply-times.js';
import { startOf, type RunTerms } from './run-terms.js';

/** The part of the plan that all runs of a task share. */
interface StartPlan {
  readonly isStaggered: boolean;
  readonly budget: HedgeBudget;
  /** Undefined where the task learns no order. */
  readonly exploration: Exploration | undefined;
}

/** Knows for each task which sub-tasks start later than the run, in which order, and what is left of the hedge budget. */
@Injectable()
export class StartPlans {
  private readonly plans = new WeakMap<TaskDefinition, StartPlan>();

  constructor(private readonly replyTimes: ReplyTimes) {}

  /**
   * The terms of a new run with its sub-tasks in the order in which they start: behind all others those whose upstream is left alone, those that
   * never begin, and shadows.
   */
  ordered(terms: RunTerms, breakers: Breakers | null): RunTerms {
    const { definition, obstacles, shadows = [] } = terms;
    if (definition?.order !== 'learned' || !this.learns(terms)) return terms;
    const { order } = this.replyTimes.learntOrder(definition);
    const rank = (name: string) => (obstacles?.has(name) ? 2 : Number(isLeftAlone(terms, name, breakers)));
    const ranked = order.map((name) => ({ name, rank: rank(name) })).sort((a, b) => a.rank - b.rank);
    return { ...terms, subTasks: [...ranked.map(({ name }) => name), ...shadows] };
  }

  /**
   * Makes what starts the held sub-tasks of a run; undefined where the run holds none.
   *
   * @param startedAt when the run began, on the clock of `performance.now()`
   * @param record what an earlier process has recorded of it
   */
  laterStartsOf(run: StaggeredRun, startedAt: number, record?: Readonly<RunRecord>): LaterStarts | undefined {
    const { definition } = run.terms;
    if (!definition) return undefined;
    const { isStaggered, budget, exploration } = this.planOf(definition);
    if (!isStaggered) return undefined;
    budget.runBegan();
    const past = record ? pastStarts(record) : this.explore(run, exploration);
    const held = run.subTasks.flatMap((subTask): HeldSubTask[] => {
      if (subTask.phase !== 'held') return [];
      const rule = startOf(run.terms, subTask.name) ?? 'after-failure';
      const dueMs = this.once(definition.name, startDelay(rule));
      return [{ subTask, dueMs, afterAttempt: rule === 'after-failed-attempt' }];
    });
    if (held.length === 0) return undefined;
    return new LaterStarts(run, held, budget, startedAt, past);
  }

  /** Lets a task keep the hedge budget of its earlier declaration, if the share is the same. */
  carryOver(before: TaskDefinition, after: TaskDefinition): void {
    if (before.hedgeBudget === after.hedgeBudget) this.makePlan(after, this.planOf(before).budget);
  }

  /** Whether the order matters: not where one sub-task alone is the reply. */
  private learns({ definition, replyPolicy }: RunTerms): boolean {
    return (
      definition !== undefined && this.planOf(definition).isStaggered && replyPolicy.policy !== 'primary'
    );
  }

  /** Starts an extra sub-task with the run where there is something to learn. */
  private explore(run: StaggeredRun, exploration: Exploration | undefined): PastStarts {
    const { definition } = run.terms;
    if (!exploration || !definition || !this.learns(run.terms)) return NOTHING;
    const explored = exploration.next(run, this.replyTimes.learntOrder(definition));
    if (!explored) return NOTHING;
    explored.prepare({ trigger: 'exploration' });
    return { ...NOTHING, explored: [explored.name] };
  }

  private planOf(task: TaskDefinition): StartPlan {
    return this.plans.get(task) ?? this.makePlan(task, new HedgeBudget(task.hedgeBudget));
  }

  private makePlan(task: TaskDefinition, budget: HedgeBudget): StartPlan {
    const isStaggered = task.starts.some((rule) => rule !== 'at-once');
    const exploration = task.order === 'learned' ? new Exploration(budget) : undefined;
    const plan = { isStaggered, budget, exploration };
    this.plans.set(task, plan);
    return plan;
  }

  /** Looks up a quantile when it is first needed. It doesn't change within a run. */
  private once(task: string, delay: StartDelay | undefined): HeldSubTask['dueMs'] {
    let known: number | undefined;
    return () => (known ??= delay && this.look(task, delay));
  }

  private look(task: string, delay: StartDelay): number {
    if ('ms' in delay) return delay.ms;
    return this.replyTimes.replyTime(task, delay.quantile) ?? delay.coldStartMs;
  }
}

function pastStarts({ outcomes, subTasks, shadows }: Readonly<RunRecord>): PastStarts {
  const races = (name: string) => !shadows?.includes(name);
  const failed = outcomes
    .filter((outcome) => outcome.status === 'failed')
    .filter(({ subTask }) => races(subTask));
  const namesOf = (which: (subTask: SubTaskRecord) => boolean) =>
    subTasks.filter(which).map(({ name }) => name);
  return {
    explored: namesOf(({ trigger }) => trigger === 'exploration'),
    failed: failed.map(({ subTask }) => subTask),
    stumbled: namesOf(({ failures, name }) => failures > 0 && races(name)),
    byFailure: namesOf(({ trigger }) => trigger === 'failure').length,
    byAttempt: namesOf(({ trigger }) => trigger === 'failed-attempt').length,
    isFinal: failed.some(({ error }) => error.final),
    heldBack: namesOf(({ heldBack = false }) => heldBack),
  };
}
