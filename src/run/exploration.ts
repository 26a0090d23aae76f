import { HedgeBudget } from './hedge-budget.js';
import type { StaggeredRun } from './later-starts.js';
import type { LearntOrder } from './reply-times.js';
import type { Breakers } from './breakers.js';
import { definitionOf, type RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** Largest share of runs that start an extra sub-task once enough is known of each sub-task; at most half of the hedge budget. */
const MOST_EXPLORING = 0.05;

/**
 * Chooses an extra sub-task that a run starts to learn the order of its task. No caller waits for the extra sub-task, but
 * its answer counts. It costs one of the hedge budget. While too little is known of some sub-tasks, they may use the whole rest of the budget.
 */
export class Exploration {
  private readonly exploring: HedgeBudget;

  constructor(private readonly budget: HedgeBudget) {
    this.exploring = new HedgeBudget(Math.min(budget.share / 2, MOST_EXPLORING));
  }

  /** The held sub-task of which the least is known; undefined where this run starts none. Call it once a run. */
  next(run: StaggeredRun, { leastKnown, allKnown }: LearntOrder): SubTaskRun | undefined {
    const { budget, exploring } = this;
    exploring.runBegan();
    if (!budget.hasMore || (allKnown && !exploring.hasMore)) return undefined;
    // Sub-tasks that callers wait for get slots first.
    const starting = run.subTasks.filter(({ phase }) => phase === 'waiting').length;
    if (run.execution.slots.freeCount <= starting) return undefined;
    for (const name of leastKnown) {
      const subTask = run.subTasks.find((candidate) => candidate.name === name && candidate.phase === 'held');
      if (!subTask || !run.execution.slotsOf(definitionOf(run.terms, name)).hasFree) continue;
      if (isLeftAlone(run.terms, name, run.execution.breakers)) continue;
      budget.take();
      exploring.take();
      return subTask;
    }
    return undefined;
  }
}

/** Whether the breaker of a sub-task's upstream is open. */
export function isLeftAlone(terms: RunTerms, name: string, breakers: Breakers | null): boolean {
  const breaker = definitionOf(terms, name)?.breaker;
  return breaker !== undefined && breakers?.isOpen(breaker, terms.task, name) === true;
}
