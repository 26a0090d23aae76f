import { applyDecorators, Injectable, type Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { z } from 'zod';
import type { LosersPolicy, ReplyPolicy } from './policies.js';
import type { RetryOptions, SubTaskHandler } from './sub-task.js';

export interface TaskOptions {
  /** Letters, digits, `.`, `_` and `-`; unique in the service. */
  name: string;
  /** The sub-tasks, in the order in which they start. */
  subTasks: readonly Type<SubTaskHandler>[];
  /** Used by runs that name none. Default `first-success`. */
  reply?: ReplyPolicy;
  /** Used by runs that name none. Default `continue`. */
  losers?: LosersPolicy;
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
}

/** A task as it was found and checked at start. */
export interface TaskDefinition {
  readonly name: string;
  readonly subTasks: readonly SubTaskDefinition[];
  readonly reply: ReplyPolicy;
  readonly losers: LosersPolicy;
  readonly input: z.ZodType | undefined;
}
