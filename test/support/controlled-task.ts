import type { Type } from '@nestjs/common';
import type { SubTaskContext } from '../../src/core/sub-task.js';
import type { TaskOptions } from '../../src/tasks/task.js';
import { inlineTask, type InlineSubTask } from './inline-task.js';

/** An attempt of a sub-task that goes on until the test ends it. */
export interface Attempt {
  readonly input: unknown;
  readonly context: SubTaskContext;
  readonly succeed: (result?: unknown) => void;
  readonly fail: (error: unknown) => void;
}

type SubTasks<Name extends string> = Readonly<Record<Name, Omit<InlineSubTask, 'run'>>>;

/** A task whose sub-tasks do nothing but wait for the test to end them. */
export class ControlledTask<Name extends string> {
  /** For the module that is to have the task. */
  readonly providers: Type[];
  /** Attempts that began and that the test hasn't asked for yet. */
  private readonly begun: { name: string; attempt: Attempt }[] = [];
  private readonly waiting = new Set<() => void>();
  /** How many attempts are going on, and how many ever were at once. */
  private readonly gauges = new Map<string, { now: number; peak: number }>();

  /** @param subTasks the options of each sub-task by its name */
  constructor(
    readonly name: string,
    private readonly subTasks: SubTasks<Name>,
    options: Omit<TaskOptions, 'name' | 'subTasks'> = {},
  ) {
    const inline = this.names.map((subTask) => [subTask, { ...subTasks[subTask], run: this.begin(subTask) }]);
    this.providers = inlineTask(name, Object.fromEntries(inline) as Record<Name, InlineSubTask>, options);
  }

  /** The attempt of a sub-task that began first and wasn't asked for yet, as soon as there is one. */
  next(name: Name): Promise<Attempt> {
    return new Promise((resolve) => {
      const check = (): void => {
        const index = this.begun.findIndex((begun) => begun.name === name);
        if (index < 0) return;
        this.waiting.delete(check);
        for (const { attempt } of this.begun.splice(index, 1)) resolve(attempt);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** One attempt of each sub-task, as soon as all of them have begun. */
  async all(): Promise<Record<Name, Attempt>> {
    const attempts = await Promise.all(
      this.names.map(async (name) => [name, await this.next(name)] as const),
    );
    return Object.fromEntries(attempts) as Record<Name, Attempt>;
  }

  private get names(): Name[] {
    return Object.keys(this.subTasks) as Name[];
  }

  /** How many attempts were ever going on at once: of one sub-task or of all. An aborted one counts as ended. */
  peak(name: Name | 'all' = 'all'): number {
    return this.gauges.get(name)?.peak ?? 0;
  }

  private begin(name: Name): InlineSubTask['run'] {
    return (input, context) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const ended = this.count(name);
      context.signal.addEventListener('abort', ended);
      const succeed = (result?: unknown): void => {
        ended();
        resolve(result);
      };
      const fail = (error: unknown): void => {
        ended();
        reject(error);
      };
      this.begun.push({ name, attempt: { input, context, succeed, fail } });
      for (const check of [...this.waiting]) check();
      return promise;
    };
  }

  /** Counts an attempt until the function that it returns is called. */
  private count(name: Name): () => void {
    const gauges = [this.gauge(name), this.gauge('all')];
    for (const gauge of gauges) gauge.peak = Math.max(gauge.peak, ++gauge.now);
    let ended = false;
    return () => {
      if (!ended) for (const gauge of gauges) gauge.now -= 1;
      ended = true;
    };
  }

  private gauge(name: string): { now: number; peak: number } {
    const gauge = this.gauges.get(name) ?? { now: 0, peak: 0 };
    this.gauges.set(name, gauge);
    return gauge;
  }
}
