import { applyDecorators, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { z } from 'zod';
import type { LosersPolicy, ReplyPolicy } from '../core/policies.js';
import type { StartRule } from '../core/start-rule.js';
import type { RetryOptions, SubTaskHandler, SubTaskPlacement } from './sub-task.js';

/** A sub-task of a task that doesn't start at once. */
export interface LaterSubTask {
  readonly subTask: Type<SubTaskHandler>;
  readonly start: StartRule;
}

export interface TaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique in the service. */
  name: string;
  /** The sub-tasks, in the order in which they start; those that are listed as classes start at once. */
  subTasks: readonly (Type<SubTaskHandler> | LaterSubTask)[];
  /** Used by runs that name none. Default `first-success`. */
  reply?: ReplyPolicy;
  /** Used by runs that name none. Default `continue`. */
  losers?: LosersPolicy;
  /** The share of its runs that may have extra starts because time has passed, such as `10%`, which is the default. */
  hedgeBudget?: string;
  /** What an input must look like; sub-tasks get what it parses to. Default: any JSON value. */
  input?: z.ZodType;
}

export const TaskMetadata = DiscoveryService.createDecorator<TaskOptions>();

/** Makes a class a task, found wherever a module lists it as a provider. */
export function Task(options: TaskOptions): ClassDecorator {
  return applyDecorators(Injectable(), TaskMetadata(options));
}

/** A sub-task as the engine runs it: its handler, and its options with the defaults filled in. */
export interface SubTaskDefinition {
  readonly name: string;
  readonly handler: SubTaskHandler<unknown>;
  readonly timeoutMs: number;
  readonly retry: {
    readonly attempts: number;
    readonly delayMs: number;
    readonly maxDelayMs: number;
    readonly except: NonNullable<RetryOptions['except']>;
  };
  readonly concurrency: number;
  readonly placement: SubTaskPlacement;
}

/** A task as it was found and checked at start. */
export interface TaskDefinition {
  readonly name: string;
  readonly subTasks: readonly SubTaskDefinition[];
  /** When each of them starts: first those that do at once, then those that do after a time, then after a failure. */
  readonly starts: readonly StartRule[];
  /** From 0 to 1. */
  readonly hedgeBudget: number;
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
  readonly input: z.ZodType | undefined;
}
