import { Inject, Injectable, Optional, type OnModuleInit, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { Subject } from 'rxjs';
import { DomainError } from '../core/domain-error.js';
import { HOST_PROVIDERS, type HostProviders } from '../core/host-providers.js';
import { SubTaskMetadata } from './sub-task.js';
import type { SubTaskHandler, SubTaskOptions } from '../core/sub-task.js';
import { TaskDeclarationError } from './declared.js';
import { defineSubTask } from './sub-task-declaration.js';
import { defineTask } from './task-declaration.js';
import { TaskMetadata, type TaskOptions } from './task.js';
import { isDeclared } from './task-of.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';

/** Finds the tasks among the providers of all modules. Refuses to start with a task that can't work. */
@Injectable()
export class TaskRegistry implements OnModuleInit {
  private readonly tasks = new Map<string, TaskDefinition>();
  private readonly subTasks = new Map<Type, SubTaskDefinition>();
  /** The class or the file that declares each task, by the task's name. */
  private readonly declaredBy = new Map<string, string>();

  /** Emits when tasks were replaced. */
  readonly replaced = new Subject<void>();

  constructor(
    private readonly discovery: DiscoveryService,
    @Optional() @Inject(HOST_PROVIDERS) private readonly host?: HostProviders,
  ) {}

  onModuleInit(): void {
    for (const [type, instance] of this.providersWith(SubTaskMetadata.KEY)) {
      const options = Reflect.getMetadata(SubTaskMetadata.KEY, type) as SubTaskOptions;
      this.subTasks.set(type, defineSubTask(options, instance as SubTaskHandler<unknown>, type.name));
    }
    for (const type of this.providersWith(TaskMetadata.KEY).keys()) {
      const options = Reflect.getMetadata(TaskMetadata.KEY, type) as TaskOptions;
      this.add(
        defineTask(options, type.name, (subTask) => this.subTaskOf(subTask, type.name)),
        type.name,
      );
    }
  }

  /**
   * Adds a task, for runs that are accepted from now on.
   *
   * @param declaredBy the class or the file that declares it
   * @throws {TaskDeclarationError} when another task has its name
   */
  add(task: TaskDefinition, declaredBy: string): void {
    const other = this.declaredBy.get(task.name);
    if (other !== undefined) {
      throw new TaskDeclarationError(
        `The tasks ${other} and ${declaredBy} are both named "${task.name}"; rename one`,
      );
    }
    this.declaredBy.set(task.name, declaredBy);
    this.tasks.set(task.name, task);
  }

  /** Replaces tasks, for runs that are accepted from now on. @param tasks each with the class or the file that declares it */
  replace(before: readonly TaskDefinition[], tasks: readonly (readonly [TaskDefinition, string])[]): void {
    for (const { name } of before) {
      this.tasks.delete(name);
      this.declaredBy.delete(name);
    }
    for (const [task, declaredBy] of tasks) this.add(task, declaredBy);
    this.replaced.next();
  }

  /** The class or the file that declares a task; undefined where there is no such task. */
  declarationOf(task: string): string | undefined {
    return this.declaredBy.get(task);
  }

  /** The sub-tasks that modules provide, each with its class. Sub-tasks of tasks files have no class, and are left out. */
  subTaskClasses(): [Type, SubTaskDefinition][] {
    return [...this.subTasks];
  }

  /** @throws {DomainError} `task-unknown` */
  get(name: string): TaskDefinition {
    const task = this.find(name);
    if (task) return task;
    throw new DomainError(
      'task-unknown',
      `There is no task ${JSON.stringify(name)}; GET /tasks lists those there are`,
    );
  }

  find(name: string): TaskDefinition | undefined {
    return this.tasks.get(name);
  }

  all(): TaskDefinition[] {
    return [...this.tasks.values()];
  }

  private subTaskOf(type: Type | undefined, task: string): SubTaskDefinition {
    if (typeof type !== 'function') {
      throw new TaskDeclarationError(
        `The task ${task} lists ${String(type)} as a sub-task; list a class (undefined often means a circular import)`,
      );
    }
    const subTask = this.subTasks.get(type);
    if (subTask) return subTask;
    throw new TaskDeclarationError(
      Reflect.hasMetadata(SubTaskMetadata.KEY, type)
        ? `The task ${task} lists the sub-task ${type.name}, which no module provides; add it to the providers of a module`
        : `The task ${task} lists ${type.name}, which is not a sub-task; decorate it with @SubTask({ name: … })`,
    );
  }

  private providersWith(metadataKey: string): Map<Type, unknown> {
    const found = new Map<Type, unknown>();
    for (const wrapper of [...this.discovery.getProviders(), ...(this.host?.providers() ?? [])]) {
      // A value that replaces a class, as after Nest's `overrideProvider(English).useValue(…)`, has no metatype.
      const type = isDeclared(metadataKey, wrapper.metatype) ? wrapper.metatype : wrapper.token;
      if (!isDeclared(metadataKey, type)) continue;
      if (!wrapper.isDependencyTreeStatic()) {
        throw new TaskDeclarationError(
          `${type.name} is request-scoped, but runs outlive requests; make it and what it injects singletons`,
        );
      }
      if (found.has(type)) {
        throw new TaskDeclarationError(
          `${type.name} is provided by two modules, so there are two of it; provide it once and export it`,
        );
      }
      found.set(type, wrapper.instance);
    }
    return found;
  }
}
