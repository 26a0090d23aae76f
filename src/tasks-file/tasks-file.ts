import { resolve } from 'node:path';
import type { TaskDefinition } from '../core/task.js';
import { withDefaults } from './defaults.js';
import { filesAt, readText, UnreadableFile } from './file-text.js';
import { issueMessage } from './issue-message.js';
import { noteMisplacedVariables } from './misplaced-variables.js';
import { inOrder, type Mistake } from './mistake.js';
import { OriginsChecker } from './origins-checker.js';
import type { ServiceContext } from './service-context.js';
import { TaskChecker } from './task-checker.js';
import { tasksFileSchema } from './tasks-file.schema.js';
import { YamlSource } from './yaml-source.js';

/** The result of reading a tasks file. */
export interface TasksFile {
  readonly file: string;
  /** The tasks without mistakes. */
  readonly tasks: readonly TaskDefinition[];
  readonly mistakes: readonly Mistake[];
  /** The environment variables that the file names and that are not set. */
  readonly unset: readonly Mistake[];
}

/**
 * Reads tasks files, and finds the mistakes in each of them and between them.
 *
 * @param paths paths of files and folders
 * @param service the service for the tasks, if there is one
 */
export function readTasksFiles(
  paths: readonly string[],
  environment: Readonly<NodeJS.ProcessEnv>,
  service?: ServiceContext,
): TasksFile[] {
  const declared = new Map<string, string>();
  const configured = new Map<string, string>();
  const called = new Set<string>();
  const files = new Map(paths.flatMap(filesAt).map((file) => [resolve(file), file]));
  const opened = [...files.values()].map((file) => {
    const source = sourceOf(file);
    if (source instanceof UnreadableFile) return { file, unreadable: source.message };
    const checker = new TaskChecker(source, environment, { declared, called }, service);
    const origins = new OriginsChecker(source, environment, configured);
    return { file, source, checker, origins, tasks: tasksIn(source, checker), settings: origins.read() };
  });
  // Only now is it known which origins are called.
  const isKnown = opened.every(({ checker, origins }) => !checker?.unset.length && !origins?.unset.length);
  for (const { origins, settings = [] } of opened) {
    if (isKnown) origins?.noteUncalled(called);
    for (const [origin, one] of settings) service?.configure?.(origin, one);
  }
  return opened.map(({ file, unreadable = '', source, checker, origins, tasks = [] }) => {
    if (!source) return { file, tasks, mistakes: [{ file, path: [], message: unreadable }], unset: [] };
    return {
      file,
      tasks,
      mistakes: inOrder(source.mistakes),
      unset: inOrder([...checker.unset, ...origins.unset]),
    };
  });
}

function sourceOf(file: string): YamlSource | UnreadableFile {
  try {
    return new YamlSource(file, readText(file));
  } catch (error) {
    if (error instanceof UnreadableFile) return error;
    throw error;
  }
}

function tasksIn(source: YamlSource, checker: TaskChecker): TaskDefinition[] {
  if (source.value === undefined) return [];
  const value = withDefaults(source);
  noteMisplacedVariables(source, value);
  const issues = tasksFileSchema.safeParse(value, { error: issueMessage }).error?.issues ?? [];
  for (const issue of issues) {
    const { path, message } = issue;
    if (issue.code === 'invalid_key') source.noteKey(path, issue.issues[0]?.message ?? message);
    else if (issue.code !== 'unrecognized_keys') source.note(path, message);
    else
      for (const [index, line] of message.split('\n').entries())
        source.noteKey([...path, issue.keys[index] ?? ''], line);
  }
  return Object.entries(tasksOf(value)).flatMap(([name, task]) => checker.define(name, task) ?? []);
}

function tasksOf(value: unknown): Readonly<Record<string, unknown>> {
  const { tasks } = (value ?? {}) as { tasks?: unknown };
  return typeof tasks === 'object' && tasks !== null && !Array.isArray(tasks)
    ? (tasks as Record<string, unknown>)
    : {};
}
