import type { TaskRegistry } from '../tasks/task-registry.js';

/** What a node tells the others that it knows: its tasks, and each of their sub-tasks as `task/sub-task`. */
export function knownNames(registry: TaskRegistry): string[] {
  return registry
    .all()
    .flatMap(({ name, subTasks }) => [name, ...subTasks.map((one) => `${name}/${one.name}`)]);
}
