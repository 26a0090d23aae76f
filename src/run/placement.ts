import type { SubTaskDefinition } from '../core/task.js';
import type { Attempts } from './attempts.js';
import type { PlacedSubTask } from './sharing.js';
import type { SubTaskOwner } from './sub-task-owner.js';

/** Whether another node should execute a sub-task that could begin now. */
export function isForAnotherNode(
  { execution, isGuest, redaction }: SubTaskOwner,
  definition: SubTaskDefinition | undefined,
): boolean {
  const { sharing } = execution.journal;
  if (!sharing || isGuest || redaction || definition?.stream) return false;
  return definition?.placement === 'worker' || (!execution.slots.hasFree && sharing.takeIdleSlot());
}

/** Whether a sub-task takes only a slot that nobody else waits for. So does a shadow, unless it is retried on request or another node has a slot for it. */
export function isSpare({ terms, isGuest }: SubTaskOwner, { name, retried }: Attempts): boolean {
  return terms.shadows?.includes(name) === true && !retried && !isGuest;
}

/** The description of a sub-task for the node that takes it on. @param delayMs how long the sub-task waits before its next attempt */
export function placedSubTask(
  { id, task }: SubTaskOwner,
  definition: SubTaskDefinition | undefined,
  { name, count, cause }: Attempts,
  delayMs: number | undefined,
): PlacedSubTask {
  return {
    runId: id,
    task,
    subTask: name,
    attempts: count,
    worker: definition?.placement === 'worker',
    delayMs,
    cause: count === 0 ? cause : undefined,
  };
}
