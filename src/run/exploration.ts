import { HedgeBudget } from './hedge-budget.js';
import type { StaggeredRun } from './later-starts.js';
import type { LearntOrder } from './reply-times.js';
import type { Breakers } from './breakers.js';
import { definitionOf, type RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** The largest share of runs that start one more sub-task once enough is known of each; it is no more than half of the hedge budget either. */
const MOST_EXPLORING = 0.05;

/**
 * Which sub-task a run of a task that learns its order starts besides those that start with it. Nobody waits for it, but
 * its answer counts. It is taken from the hedge budget; as long as too little is known of some, they may take all that is left of that.
 */
export class Exploration {
  private readonly exploring: HedgeBudget;

  constructor(private readonly budget: HedgeBudget) {
    this.exploring = new HedgeBudget(Math.min(budget.share / 2, MOST_EXPLORING));
  }

  /** The held sub-task of which the least is known; undefined where this run starts none. Called once a run. */
  next(run: StaggeredRun, { leastKnown, allKnown }: LearntOrder): SubTaskRun | undefined {
    const { budget, exploring } = this;
    exploring.runBegan();
    if (!budget.hasMore || (allKnown && !exploring.hasMore)) return undefined;
    // What anybody waits for has the slots first.
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

/** Whether the breaker of its upstream is open. */
export function isLeftAlone(terms: RunTerms, name: string, breakers: Breakers | null): boolean {
  const breaker = definitionOf(terms, name)?.breaker;
  return breaker !== undefined && breakers?.isOpen(breaker, terms.task, name) === true;
}
