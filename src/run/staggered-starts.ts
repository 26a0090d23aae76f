import { Injectable } from '@nestjs/common';
import { EmbeddedEngine } from './embedded-engine.js';
import { Journal } from './journal.js';
import { TaskStatistics } from '../stats/task-statistics.js';
import type { FollowedRun } from './followed-run.js';
import { HedgeBudget } from './hedge-budget.js';
import type { RunRecord } from '../core/run-record.js';
import { StaggeredStart, type HeldSubTask } from './staggered-start.js';
import { startDelay, type StartDelay } from '../core/start-rule.js';
import type { TaskDefinition } from '../core/task.js';

/** What is the same for all runs of a task. */
interface Plan {
  /** The sub-tasks that don't start at once, in their order. */
  readonly later: readonly { readonly name: string; readonly delay: StartDelay | undefined }[];
  readonly budget: HedgeBudget;
}

/** Knows of each task which of its sub-tasks start later than its runs, and what is left of its hedge budget. */
@Injectable()
export class StaggeredStarts {
  private readonly plans = new Map<TaskDefinition, Plan>();

  constructor(
    private readonly engine: EmbeddedEngine,
    private readonly journal: Journal,
    private readonly statistics: TaskStatistics,
  ) {}

  /**
   * What starts those sub-tasks of a run that the engine holds; undefined where it holds none.
   *
   * @param startedAt when the run began, on the clock of `performance.now()`
   * @param past how far it has come in an earlier process
   */
  of(
    run: FollowedRun,
    task: TaskDefinition,
    startedAt: number,
    past?: RunRecord,
  ): StaggeredStart | undefined {
    const { later, budget } = this.planOf(task);
    if (later.length === 0) return undefined;
    budget.runBegan();
    const held = later
      .filter(({ name }) => this.engine.holds(run.terms.id, name))
      .map(({ name, delay }): HeldSubTask => ({ name, dueMs: this.once(task.name, delay) }));
    if (held.length === 0) return undefined;
    const tools = { engine: this.engine, journal: this.journal, budget };
    if (!past) return new StaggeredStart(run, held, startedAt, tools);
    const heldBack = past.subTasks.filter((subTask) => subTask.heldBack).map(({ name }) => name);
    return new StaggeredStart(run, held, startedAt, tools, unansweredFailures(past), heldBack);
  }

  private planOf(task: TaskDefinition): Plan {
    let plan = this.plans.get(task);
    if (!plan) {
      const later = task.subTasks.flatMap(({ name }, index) => {
        const rule = task.starts[index] ?? 'at-once';
        return rule === 'at-once' ? [] : [{ name, delay: startDelay(rule) }];
      });
      plan = { later, budget: new HedgeBudget(task.hedgeBudget) };
      this.plans.set(task, plan);
    }
    return plan;
  }

  /** Looks a quantile up when it is first asked for: within a run it doesn't change. */
  private once(task: string, delay: StartDelay | undefined): HeldSubTask['dueMs'] {
    let known: number | undefined;
    return () => (known ??= delay && this.look(task, delay));
  }

  private look(task: string, delay: StartDelay): number {
    if ('ms' in delay) return delay.ms;
    return this.statistics.replyTime(task, delay.quantile) ?? delay.coldStartMs;
  }
}

/** How many sub-tasks have failed before the end of a process came ahead of the start of the next one. */
function unansweredFailures({ outcomes, subTasks }: RunRecord): number {
  const failures = outcomes.filter(({ status }) => status === 'failed').length;
  return Math.max(0, failures - subTasks.filter(({ trigger }) => trigger === 'failure').length);
}
