import type { TaskRegistry } from '../tasks/task-registry.js';

/** The names that a node reports as known: its tasks, and their sub-tasks as `task/sub-task`. */
export function knownNames(registry: TaskRegistry): string[] {
  return registry
    .all()
    .flatMap(({ name, subTasks }) => [name, ...subTasks.map((one) => `${name}/${one.name}`)]);
}
