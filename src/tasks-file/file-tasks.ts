import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { DomainError } from '../core/domain-error.js';
import { Measures } from '../core/measures.js';
import { MemoryBudget } from '../core/memory-budget.js';
import { WebhookMeans } from '../core/webhook-means.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { loggerOf } from '../core/logger-of.js';
import { Runs } from '../run/runs.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import type { ExpressionThread } from '../expressions/expression-thread.js';
import type { Upstreams } from '../upstreams/upstreams.js';
import { inOrder, mistakeLines, pathText, TasksFileError } from './mistake.js';
import type { TasksFile } from './tasks-file.js';

type Parts = Awaited<ReturnType<typeof importParts>>;

/** The tasks of all files, and the origins that they call. */
interface Loaded {
  readonly parts: Parts;
  readonly files: readonly TasksFile[];
  readonly tasks: readonly TaskDefinition[];
  readonly upstreams: Upstreams;
  /** The thread that evaluates conditions. It is not the thread for expressions of answers, so that no answer holds up a run. */
  readonly conditions: ExpressionThread;
}

/** The result of a reload: names of tasks. */
export interface Reloaded {
  readonly tasks: string[];
  readonly added: string[];
  readonly removed: string[];
}

/** Most mistakes in an answer. More would help nobody. */
const MOST_MISTAKES = 100;

/** Adds the tasks of TASKS_FILE to those in the code, before runs of an earlier process are resumed. */
@Injectable()
export class FileTasks implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = loggerOf('service');
  private readonly paths: readonly string[];
  /** Undefined when there are no files. */
  private loaded: Loaded | undefined;

  constructor(
    private readonly registry: TaskRegistry,
    private readonly runs: Runs,
    private readonly memory: MemoryBudget,
    private readonly measures: Measures,
    private readonly webhookMeans: WebhookMeans,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.paths = config.TASKS_FILE;
  }

  /** The tasks for the log at start; undefined when there are no files. */
  get summary(): string | undefined {
    if (!this.loaded) return undefined;
    const names = namesOf(this.loaded);
    return `${names.length} ${names.length === 1 ? 'task' : 'tasks'} from ${this.paths.join(',')}: ${names.join(', ')}`;
  }

  /** The origins that the files' sub-tasks call, with their settings; undefined when there are no files. */
  get upstreams(): Upstreams | undefined {
    return this.loaded?.upstreams;
  }

  /** @throws {TasksFileError} with all mistakes in the files: then none of their tasks is added */
  async onModuleInit(): Promise<void> {
    if (this.paths.length === 0) return;
    const parts = await importParts();
    const proxies = {
      http: this.config.HTTP_PROXY,
      https: this.config.HTTPS_PROXY,
      except: this.config.NO_PROXY,
    };
    const { memory, measures } = this;
    const upstreams = new parts.Upstreams(undefined, memory, proxies, undefined, undefined, measures);
    const conditions = new parts.ExpressionThread(memory);
    const nothing = { parts, files: [], tasks: [], upstreams, conditions };
    this.replace(nothing, this.load(nothing));
  }

  /** The engine has stopped by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.loaded?.upstreams.close();
    await this.loaded?.conditions.close();
  }

  /**
   * Reads the files again, for runs that are accepted from now on. Runs under way keep the declaration of their task.
   *
   * @throws {DomainError} `tasks-file-needed`; `tasks-file-wrong` with all mistakes in the files: then nothing changes
   */
  reload(): Reloaded {
    if (!this.loaded) throw new DomainError('tasks-file-needed', 'TASKS_FILE is not set');
    const { loaded: before } = this;
    const after = this.loadAgain(before);
    this.replace(before, after);
    this.logger.log(`Reloaded: ${String(this.summary)}`);
    const [tasks, earlier] = [namesOf(after), namesOf(before)];
    return {
      tasks,
      added: tasks.filter((name) => !earlier.includes(name)),
      removed: earlier.filter((name) => !tasks.includes(name)),
    };
  }

  private loadAgain(before: Loaded): Loaded {
    try {
      return this.load(before);
    } catch (error) {
      if (!(error instanceof TasksFileError)) throw error;
      this.logger.error(`Not reloaded, the tasks are as before: ${error.message}`);
      const mistakes = error.mistakes.slice(0, MOST_MISTAKES).map(({ path, message, ...place }) => {
        return { ...place, ...(path.length > 0 && { path: pathText(path) }), detail: message };
      });
      throw new DomainError(
        'tasks-file-wrong',
        `TASKS_FILE has mistakes (${error.mistakes.length}); the tasks are as before`,
        { mistakes },
      );
    }
  }

  private load(before: Loaded): Loaded {
    const { parts, conditions } = before;
    const { environment } = this.config;
    const own = new Set(namesOf(before));
    const upstreams = before.upstreams.anew();
    const files = parts.readTasksFiles(this.paths, environment, {
      declarationOf: (task) => (own.has(task) ? undefined : this.registry.declarationOf(task)),
      classes: this.classes(),
      webhookMeans: this.webhookMeans,
      conditionOf: (text) => parts.condition(text, conditions),
      handlerOf: (request) => new parts.HttpSubTask(request, upstreams, environment),
      configure: (origin, settings) => {
        upstreams.configure(origin, settings);
      },
    });
    const mistakes = files.flatMap(({ mistakes, unset }) => inOrder([...mistakes, ...unset]));
    if (mistakes.length > 0) throw new TasksFileError(mistakeLines(mistakes), mistakes);
    return { parts, files, tasks: files.flatMap(({ tasks }) => tasks), upstreams, conditions };
  }

  /** Replaces the tasks that were read before. Their connections are closed when the last of their runs has ended. */
  private replace(before: Loaded, next: Loaded): void {
    for (const task of next.tasks) {
      const same = before.tasks.find(({ name }) => name === task.name);
      if (!same) continue;
      this.runs.execution.carryOver(same, task);
      this.runs.plans.carryOver(same, task);
    }
    next.upstreams.claim();
    this.registry.replace(
      before.tasks,
      next.files.flatMap(({ file, tasks }) => tasks.map((task) => [task, file] as const)),
    );
    this.loaded = next;
    void this.runs.untilEnded(new Set(before.tasks)).then(() => {
      before.upstreams.release();
    });
  }

  private classes(): Map<string, SubTaskDefinition[]> {
    const classes = new Map<string, SubTaskDefinition[]>();
    for (const [{ name }, subTask] of this.registry.subTaskClasses())
      classes.set(name, [...(classes.get(name) ?? []), subTask]);
    return classes;
  }
}

/** Loads the code that reads files and calls upstreams. It is loaded only when there are files. */
async function importParts() {
  const { readTasksFiles } = await import('./tasks-file.js');
  const { HttpSubTask } = await import('../upstreams/http-sub-task.js');
  const { Upstreams } = await import('../upstreams/upstreams.js');
  const { condition } = await import('../expressions/condition.js');
  const { ExpressionThread } = await import('../expressions/expression-thread.js');
  return { readTasksFiles, HttpSubTask, Upstreams, condition, ExpressionThread };
}

function namesOf({ tasks }: Loaded): string[] {
  return tasks.map(({ name }) => name);
}
