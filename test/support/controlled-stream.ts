import type { Type } from '@nestjs/common';
import type { SubTaskContext, SubTaskOptions } from '../../src/core/sub-task.js';
import type { TaskOptions } from '../../src/tasks/task.js';
import { inlineTask, type InlineSubTask } from './inline-task.js';

type SubTasks<Name extends string> = Readonly<Record<Name, Omit<InlineSubTask, 'run'>>>;

/** The stream of one attempt, which brings what the test sends. */
export class SentStream implements AsyncIterableIterator<unknown> {
  /** How many chunks were taken of those that were sent. */
  taken = 0;
  /** Resolves when nobody reads it any more. */
  readonly left: Promise<undefined>;
  private readonly leave: (value: undefined) => void;
  private readonly sent: (() => IteratorResult<unknown>)[] = [];
  private wanted: PromiseWithResolvers<IteratorResult<unknown>> | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly input: unknown,
    readonly context: SubTaskContext,
  ) {
    ({ promise: this.left, resolve: this.leave } = Promise.withResolvers<undefined>());
    context.signal.addEventListener('abort', () => this.leave(undefined));
  }

  send(...chunks: readonly unknown[]): void {
    for (const value of chunks) this.push(() => ({ value }));
  }

  end(): void {
    this.push(() => ({ value: undefined, done: true }));
  }

  /** Breaks it off, behind what was sent. */
  fail(error: unknown): void {
    this.push(() => {
      throw error;
    });
  }

  /** Resolves when so many chunks were taken. */
  untilTaken(count: number): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.taken < count) return;
        this.waiting.delete(check);
        resolve();
      };
      this.waiting.add(check);
      check();
    });
  }

  next(): Promise<IteratorResult<unknown>> {
    this.wanted = Promise.withResolvers();
    const { promise } = this.wanted;
    this.give();
    return promise;
  }

  return(): Promise<IteratorResult<unknown>> {
    this.leave(undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private push(made: () => IteratorResult<unknown>): void {
    this.sent.push(made);
    this.give();
  }

  private give(): void {
    const { wanted } = this;
    const made = wanted && this.sent.shift();
    if (!made) return;
    this.wanted = undefined;
    try {
      const result = made();
      if (!result.done) this.taken += 1;
      wanted.resolve(result);
    } catch (error) {
      wanted.reject(error);
    }
    for (const check of [...this.waiting]) check();
  }
}

/** A task whose sub-tasks stream what the test sends. */
export class ControlledStream<Name extends string> {
  /** For the module that is to have the task. */
  readonly providers: Type[];
  /** Those that began and that the test hasn't asked for yet. */
  private readonly begun: { readonly name: string; readonly stream: SentStream }[] = [];
  private readonly waiting = new Set<() => void>();

  /** @param subTasks the options of each sub-task by its name */
  constructor(
    readonly name: string,
    subTasks: SubTasks<Name>,
    options: Omit<TaskOptions, 'name' | 'subTasks'> = {},
  ) {
    const inline = Object.entries<Omit<SubTaskOptions, 'name'>>(subTasks).map(([subTask, given]) => [
      subTask,
      { stream: true, ...given, run: this.begin(subTask) },
    ]);
    this.providers = inlineTask(name, Object.fromEntries(inline) as Record<Name, InlineSubTask>, options);
  }

  /** The stream of a sub-task that began first and wasn't asked for yet, as soon as there is one. */
  next(name: Name): Promise<SentStream> {
    return new Promise((resolve) => {
      const check = (): void => {
        const index = this.begun.findIndex((begun) => begun.name === name);
        if (index < 0) return;
        this.waiting.delete(check);
        for (const { stream } of this.begun.splice(index, 1)) resolve(stream);
      };
      this.waiting.add(check);
      check();
    });
  }

  private begin(name: string): InlineSubTask['run'] {
    return (input, context) => {
      const stream = new SentStream(input, context);
      this.begun.push({ name, stream });
      for (const check of [...this.waiting]) check();
      return stream;
    };
  }
}
