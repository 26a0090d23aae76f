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

/** Gets the sub-tasks of a new run ready, and holds those that start later. @returns those that never begin */
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
 * Gets the unfinished sub-tasks of a run ready that another process began, and holds those that had not begun and, as the task now
 * declares them, start later than the run.
 *
 * @param placed those that other nodes execute
 * @returns those that never begin
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

/** Where none is left that starts at once, the first of the others does, unless the reply is another's. */
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
