import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { Config } from '../config/config.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { SubTaskDefinition } from '../core/task.js';
import { HttpSubTask } from '../upstreams/http-sub-task.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { mistakeLines, TasksFileError } from './mistake.js';
import { readTasksFile } from './tasks-file.js';

/** Adds the tasks of TASKS_FILE to those of the code, before runs of an earlier process are resumed. */
@Injectable()
export class FileTasks implements OnModuleInit {
  private readonly file: string | null;
  /** What the log says of it at start, where there is a file. */
  summary: string | undefined;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly upstreams: Upstreams,
    config: ConfigService<Config, true>,
  ) {
    this.file = config.get('TASKS_FILE', { infer: true });
  }

  /** @throws {TasksFileError} with all that is wrong with the file: then none of its tasks is added */
  onModuleInit(): void {
    const { file, registry, upstreams } = this;
    if (file === null) return;
    const { tasks, mistakes, unset } = readTasksFile(file, process.env, {
      declarationOf: (task) => registry.declarationOf(task),
      classes: this.classes(),
      handlerOf: (request) => new HttpSubTask(request, upstreams),
    });
    if (mistakes.length + unset.length > 0)
      throw new TasksFileError(mistakeLines(file, [...mistakes, ...unset]));
    for (const task of tasks) registry.add(task, file);
    this.summary = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'} from ${file}: ${tasks.map(({ name }) => name).join(', ')}`;
  }

  private classes(): Map<string, SubTaskDefinition[]> {
    const classes = new Map<string, SubTaskDefinition[]>();
    for (const [{ name }, subTask] of this.registry.subTaskClasses())
      classes.set(name, [...(classes.get(name) ?? []), subTask]);
    return classes;
  }
}
