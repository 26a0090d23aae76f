import type { Type } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Observable } from 'rxjs';
import type { JsonValue } from '../core/json.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { ShadowOptions } from '../core/shadow.js';
import type { StartRule } from '../core/start-rule.js';
import type { SubTaskContext } from '../core/sub-task.js';
import { Task, type TaskOptions } from './task.js';

declare const TYPES: unique symbol;

/** The class of a task whose input and results are known to TypeScript. */
export interface TypedTask<Input, Result, Reply = unknown, Chunk = unknown> {
  new (): object;
  readonly [TYPES]: {
    readonly input: Input;
    readonly result: Result;
    readonly reply: Reply;
    readonly chunk: Chunk;
  };
}

/**
 * The base class of a task whose types are known to TypeScript: `class Greet extends TaskOf({ name: 'greet', input, subTasks: [English] }) {}`.
 * Provide the class and its sub-tasks in a module, as with `@Task`. Sub-tasks must accept what `input` parses to.
 */
export function TaskOf<const Options extends TaskOptions>(
  options: Options & Fitting<Options>,
): TypedTask<
  InputOfOptions<Options>,
  ResultOfSubTask<Options['subTasks'][number]>,
  Options['reply'],
  ChunkOfSubTask<Options['subTasks'][number]>
> {
  @Task(options)
  class DeclaredTask {}
  bases.add(DeclaredTask);
  return DeclaredTask as never;
}

const bases = new WeakSet<object>();

/** Whether a class has the decorator itself, or extends `TaskOf(…)`. @param metadataKey of the decorator */
export function isDeclared(metadataKey: string, type: unknown): type is Type {
  if (typeof type !== 'function') return false;
  const base = Object.getPrototypeOf(type) as object;
  return (
    Reflect.hasOwnMetadata(metadataKey, type) ||
    (bases.has(base) && Reflect.hasOwnMetadata(metadataKey, base))
  );
}

/** The input of a task's runs. */
export type InputOf<Task> =
  Task extends TypedTask<infer Input, unknown> ? Input : JsonValue | object | undefined;

/** The arguments of `start` after the task. The input may be left out where `undefined` is a valid input. */
export type StartArguments<Task, Options> =
  undefined extends InputOf<Task>
    ? [input?: InputOf<Task>, options?: Options]
    : [input: InputOf<Task>, options?: Options];

/** The result in a run's reply: the result of one sub-task, or an object with results by sub-task name. */
export type ResultOf<Task, Options> =
  Task extends TypedTask<unknown, infer Result, infer Reply>
    ? ResultUnder<ChosenReply<Options, Reply>, Result>
    : JsonValue;

/** The chunks of a run: those of its sub-tasks that stream. */
export type ChunkOf<Task> =
  Task extends TypedTask<unknown, unknown, unknown, infer Chunk> ? Chunk : JsonValue;

/** The reply policy that a call names; any policy where the call may name one; else the task's policy. */
type ChosenReply<Options, Reply> = Options extends { readonly reply: infer Chosen }
  ? Chosen
  : 'reply' extends keyof Options
    ? ReplyPolicy
    : Reply;

type ResultUnder<Reply, Result> = Reply extends { readonly policy: 'all' | 'quorum' | 'deadline' }
  ? Readonly<Record<string, Result>>
  : Result;

type InputOfOptions<Options> = Options extends { readonly input: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : JsonValue | object | undefined;

/** Options whose sub-tasks accept what the input's schema parses to. */
type Fitting<Options> = Options extends { readonly input: infer Schema extends StandardSchemaV1 }
  ? { readonly subTasks: readonly Taking<StandardSchemaV1.InferOutput<Schema>>[] }
  : unknown;

type Taking<Input> =
  | SubTaskTaking<Input>
  | {
      readonly subTask: SubTaskTaking<Input>;
      readonly start?: StartRule;
      readonly when?: (input: Input) => boolean | Promise<boolean>;
      readonly shadow?: ShadowOptions;
    };

/** `run` is a property here, because TypeScript checks the parameters of methods less strictly. */
type SubTaskTaking<Input> = abstract new (...args: never[]) => {
  readonly run: (input: Input, context: SubTaskContext) => unknown;
};

/** The result of a listed sub-task. `never` for a shadow, whose result is in no reply. */
type ResultOfSubTask<SubTask> = SubTask extends { readonly shadow: ShadowOptions }
  ? never
  : SubTask extends { readonly subTask: infer Class }
    ? ResultOfClass<Class>
    : ResultOfClass<SubTask>;

type ResultOfClass<Class> = Class extends abstract new (...args: never[]) => {
  run(...args: never[]): infer Returned;
}
  ? ResultOfReturned<Awaited<Returned>>
  : JsonValue;

/** The result of a sub-task by what `run` returns. A stream's result is made of all its chunks; texts are joined. */
type ResultOfReturned<Returned> = Returned extends Streamed
  ? AllOf<ChunkOfReturned<Returned>>
  : InJson<Returned>;

type AllOf<Chunk> =
  | (Extract<Chunk, string> extends never ? never : string)
  | ([Chunk] extends [string] ? never : readonly InJson<Chunk>[]);

type Streamed = AsyncIterable<unknown> | Observable<unknown>;

type ChunkOfReturned<Returned> =
  Returned extends AsyncIterable<infer Chunk>
    ? Chunk
    : Returned extends Observable<infer Chunk>
      ? Chunk
      : never;

type ChunkOfSubTask<SubTask> = SubTask extends { readonly shadow: ShadowOptions }
  ? never
  : SubTask extends { readonly subTask: infer Class }
    ? ChunkOfClass<Class>
    : ChunkOfClass<SubTask>;

type ChunkOfClass<Class> = Class extends abstract new (...args: never[]) => {
  run(...args: never[]): infer Returned;
}
  ? InJson<ChunkOfReturned<Awaited<Returned>>>
  : JsonValue;

/** The type of a value after JSON, read-only. `undefined` becomes `null`, and a Date becomes its text. */
type InJson<T> = JsonValue extends T ? JsonValue : KnownInJson<T>;

type KnownInJson<T> = T extends string | number | boolean | null
  ? T
  : T extends bigint
    ? bigint | number
    : T extends { toJSON(): infer Text }
      ? InJson<Text>
      : T extends readonly unknown[]
        ? { readonly [Index in keyof T]: InJson<T[Index]> }
        : T extends object
          ? { readonly [Key in keyof T]: MemberInJson<T[Key]> }
          : null;

/** A member that is `undefined` is left out. */
type MemberInJson<T> = undefined extends T ? InJson<Exclude<T, undefined>> | undefined : InJson<T>;
