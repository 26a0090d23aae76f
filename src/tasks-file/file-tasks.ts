import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { SubTaskDefinition } from '../core/task.js';
import type { Upstreams } from '../upstreams/upstreams.js';
import { inOrder, mistakeLines, TasksFileError } from './mistake.js';

/**
 * Adds the tasks of TASKS_FILE to those of the code, before runs of an earlier process are resumed. What reads the files and calls
 * upstreams is loaded where there are some.
 */
@Injectable()
export class FileTasks implements OnModuleInit, OnApplicationShutdown {
  private readonly paths: readonly string[];
  /** What the log says of them at start, where there are files. */
  summary: string | undefined;
  private upstreams: Upstreams | undefined;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly memory: MemoryBudget,
    config: ConfigService<Config, true>,
  ) {
    this.paths = config.get('TASKS_FILE', { infer: true });
  }

  /** @throws {TasksFileError} with all that is wrong with the files: then none of their tasks is added */
  async onModuleInit(): Promise<void> {
    const { paths, registry } = this;
    if (paths.length === 0) return;
    const { readTasksFiles } = await import('./tasks-file.js');
    const { HttpSubTask } = await import('../upstreams/http-sub-task.js');
    const { Upstreams } = await import('../upstreams/upstreams.js');
    const upstreams = (this.upstreams = new Upstreams(undefined, this.memory));
    const files = readTasksFiles(paths, process.env, {
      declarationOf: (task) => registry.declarationOf(task),
      classes: this.classes(),
      handlerOf: (request) => new HttpSubTask(request, upstreams),
    });
    const mistakes = files.flatMap(({ mistakes, unset }) => inOrder([...mistakes, ...unset]));
    if (mistakes.length > 0) throw new TasksFileError(mistakeLines(mistakes));
    for (const { file, tasks } of files) for (const task of tasks) registry.add(task, file);
    const names = files.flatMap(({ tasks }) => tasks.map(({ name }) => name));
    this.summary = `${names.length} ${names.length === 1 ? 'task' : 'tasks'} from ${paths.join(',')}: ${names.join(', ')}`;
  }

  /** The engine has stopped by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.upstreams?.close();
  }

  private classes(): Map<string, SubTaskDefinition[]> {
    const classes = new Map<string, SubTaskDefinition[]>();
    for (const [{ name }, subTask] of this.registry.subTaskClasses())
      classes.set(name, [...(classes.get(name) ?? []), subTask]);
    return classes;
  }
}
