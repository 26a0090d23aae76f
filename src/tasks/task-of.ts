import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonValue } from '../core/json.js';
import { Task, type TaskOptions } from './task.js';

declare const TYPES: unique symbol;

/** A class of a task of which TypeScript knows what it takes and what its sub-tasks return. */
export interface TypedTask<Input, Result, Reply = unknown> {
  new (): object;
  readonly [TYPES]: { readonly input: Input; readonly result: Result; readonly reply: Reply };
}

/**
 * The base class of a task of which TypeScript knows the types: `class Greet extends TaskOf({ name: 'greet', input, subTasks: [English] }) {}`.
 * Provide the class and its sub-tasks in a module, as with `@Task`.
 */
export function TaskOf<const Options extends TaskOptions>(
  options: Options,
): TypedTask<InputOfOptions<Options>, ResultOfSubTask<Options['subTasks'][number]>, Options['reply']> {
  @Task(options)
  class DeclaredTask {}
  bases.add(DeclaredTask);
  return DeclaredTask as never;
}

const bases = new WeakSet<object>();

/** Whether `TaskOf` has made a class. */
export function isTaskBase(type: object): boolean {
  return bases.has(type);
}

/** What a run of a task takes. */
export type InputOf<Task> =
  Task extends TypedTask<infer Input, unknown> ? Input : JsonValue | object | undefined;

/** What the reply of a run has as its result: that of a sub-task, or an object of them by the sub-tasks' names. */
export type ResultOf<Task, Options> =
  Task extends TypedTask<unknown, infer Result, infer Reply>
    ? Options extends { readonly reply: infer Chosen }
      ? ResultUnder<Chosen, Result>
      : ResultUnder<Reply, Result>
    : JsonValue;

type ResultUnder<Reply, Result> = Reply extends { readonly policy: 'all' | 'quorum' | 'deadline' }
  ? Readonly<Record<string, Result>>
  : Result;

type InputOfOptions<Options> = Options extends { readonly input: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : JsonValue | object | undefined;

type ResultOfSubTask<SubTask> = SubTask extends { readonly subTask: infer Class }
  ? ResultOfClass<Class>
  : ResultOfClass<SubTask>;

type ResultOfClass<Class> = Class extends abstract new (...args: never[]) => {
  run(...args: never[]): infer Returned;
}
  ? InJson<Awaited<Returned>>
  : JsonValue;

/** As JSON holds what a sub-task returns. */
type InJson<T> = T extends undefined ? null : T;
