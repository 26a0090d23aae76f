import type { TaskDefinition } from '../core/task.js';
import { TaskChecker, type Surroundings } from './task-checker.js';
import { readText } from './file-text.js';
import { issueMessage } from './issue-message.js';
import { noteMisplacedVariables } from './misplaced-variables.js';
import type { Mistake } from './mistake.js';
import { tasksFileSchema } from './tasks-file.schema.js';
import { YamlSource } from './yaml-source.js';

/** What was found in a tasks file. */
export interface TasksFile {
  /** Those without a mistake. */
  readonly tasks: readonly TaskDefinition[];
  readonly mistakes: readonly Mistake[];
  /** The variables that the file names and that the environment has not. */
  readonly unset: readonly Mistake[];
}

/**
 * Reads a tasks file and finds all that is wrong with it.
 *
 * @param surroundings the service that the tasks are to be part of, where there is one
 * @throws {TasksFileError} when it can't be read at all
 */
export function readTasksFile(
  file: string,
  environment: Readonly<NodeJS.ProcessEnv>,
  surroundings?: Surroundings,
): TasksFile {
  const source = new YamlSource(readText(file));
  const { value } = source;
  if (value === undefined) return { tasks: [], mistakes: source.mistakes, unset: [] };
  noteMisplacedVariables(source);
  const issues = tasksFileSchema.safeParse(value, { error: issueMessage }).error?.issues ?? [];
  for (const issue of issues) {
    const { path, message } = issue;
    if (issue.code === 'invalid_key') source.noteKey(path, issue.issues[0]?.message ?? message);
    else if (issue.code !== 'unrecognized_keys') source.note(path, message);
    else
      for (const [index, line] of message.split('\n').entries())
        source.noteKey([...path, issue.keys[index] ?? ''], line);
  }
  const checker = new TaskChecker(source, environment, surroundings);
  const tasks = Object.entries(tasksOf(value)).flatMap(([name, task]) => checker.define(name, task) ?? []);
  return { tasks, mistakes: source.mistakes, unset: checker.unset };
}

function tasksOf(value: unknown): Readonly<Record<string, unknown>> {
  const { tasks } = (value ?? {}) as { tasks?: unknown };
  return typeof tasks === 'object' && tasks !== null && !Array.isArray(tasks)
    ? (tasks as Record<string, unknown>)
    : {};
}
