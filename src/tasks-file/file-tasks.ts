import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { SubTaskDefinition } from '../core/task.js';
import { HttpSubTask } from '../upstreams/http-sub-task.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { inOrder, mistakeLines, TasksFileError } from './mistake.js';
import { readTasksFiles } from './tasks-file.js';

/** Adds the tasks of TASKS_FILE to those of the code, before runs of an earlier process are resumed. */
@Injectable()
export class FileTasks implements OnModuleInit {
  private readonly paths: readonly string[];
  /** What the log says of them at start, where there are files. */
  summary: string | undefined;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly upstreams: Upstreams,
    config: ConfigService<Config, true>,
  ) {
    this.paths = config.get('TASKS_FILE', { infer: true });
  }

  /** @throws {TasksFileError} with all that is wrong with the files: then none of their tasks is added */
  onModuleInit(): void {
    const { paths, registry, upstreams } = this;
    if (paths.length === 0) return;
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

  private classes(): Map<string, SubTaskDefinition[]> {
    const classes = new Map<string, SubTaskDefinition[]>();
    for (const [{ name }, subTask] of this.registry.subTaskClasses())
      classes.set(name, [...(classes.get(name) ?? []), subTask]);
    return classes;
  }
}
