import type { RunRecord } from '../core/run-record.js';
import type { Obstacle } from '../core/run.js';
import { clauseAgainst } from './obstacles.js';
import { counts } from './reply.js';
import { obstacleOf, startOf, type RunTerms } from './run-terms.js';
import type { SubTaskRun } from './sub-task-run.js';

/** A sub-task that never begins, and why. */
export interface UnableSubTask {
  readonly subTask: SubTaskRun;
  readonly obstacle: Obstacle;
}

const UNKNOWN = { attempts: 0, status: 'pending', finishedAt: '' } as const;

/** Prepares the sub-tasks of a new run, and holds the ones that start later. @returns the sub-tasks that never begin */
export function prepareNew(terms: RunTerms, subTasks: readonly SubTaskRun[]): UnableSubTask[] {
  const unable: UnableSubTask[] = [];
  subTasks.forEach((subTask, index) => {
    const obstacle = terms.unfit ?? clauseAgainst(terms, subTask.name);
    if (obstacle !== undefined) unable.push({ subTask, obstacle });
    else if (terms.definition?.starts[index] === 'at-once') subTask.prepare();
    else subTask.hold();
  });
  if (terms.obstacles) startFirstEligible(terms, subTasks, terms.obstacles);
  return unable;
}

/**
 * Prepares the unfinished sub-tasks of a run that another process began. Holds those that had not begun and, as the task now
 * declares them, start later than the run.
 *
 * @param placed the sub-tasks that other nodes execute
 * @returns the sub-tasks that never begin
 */
export function prepareUnfinished(
  terms: RunTerms,
  subTasks: readonly SubTaskRun[],
  record: Readonly<RunRecord>,
  placed: readonly string[],
): UnableSubTask[] {
  const unable: UnableSubTask[] = [];
  subTasks.forEach((subTask, index) => {
    const { attempts, finishedAt, status } = record.subTasks[index] ?? UNKNOWN;
    if (finishedAt !== null) return;
    const clause = attempts === 0 ? clauseAgainst(terms, subTask.name) : undefined;
    const obstacle = obstacleOf(terms, subTask.name) ?? clause;
    if (placed.includes(subTask.name)) subTask.becomePlaced();
    else if (obstacle !== undefined) unable.push({ subTask, obstacle });
    else if (status === 'pending' && startOf(terms, subTask.name) !== 'at-once') subTask.hold();
    else subTask.prepare();
  });
  return unable;
}

/** If no sub-task is left that starts at once, starts the first of the others, unless another sub-task alone is the reply. */
function startFirstEligible(
  terms: RunTerms,
  subTasks: readonly SubTaskRun[],
  obstacles: ReadonlyMap<string, Obstacle>,
): void {
  const racing = subTasks.filter(({ name }) => !terms.shadows?.includes(name));
  const decides = ({ name }: SubTaskRun) => counts(terms.replyPolicy, name);
  if (racing.some(({ phase, name }) => phase === 'waiting' || typeof obstacles.get(name) === 'object'))
    return;
  if (racing.some((subTask) => subTask.phase === 'held' && decides(subTask)))
    racing.find(({ phase }) => phase === 'held')?.prepare({ trigger: 'need' });
}
