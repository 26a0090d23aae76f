import type { Type } from '@nestjs/common';
import type { Condition } from '../core/condition.js';
import { shadowSchema, shadowTerms, type ShadowOptions } from '../core/shadow.js';
import { startOrderMisfit, startRuleSchema, type StartRule } from '../core/start-rule.js';
import type { SubTaskHandler } from '../core/sub-task.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { parsed, TaskDeclarationError } from './declared.js';

/** A sub-task as a task lists it. */
export interface ListedSubTask<T> {
  readonly subTask: T;
  readonly start?: StartRule | undefined;
  /** A function where code declares the task; a {@link Condition} where a file does. */
  readonly when?: Condition | Condition['holds'] | undefined;
  readonly shadow?: ShadowOptions | undefined;
}

type SubTaskList = Pick<TaskDefinition, 'subTasks' | 'starts' | 'conditions' | 'shadows'>;

/**
 * Checks a task's list of sub-tasks, and puts shadows behind all others.
 *
 * @param className the task's name in messages
 * @throws {TaskDeclarationError}
 */
export function subTaskList<T extends { readonly name: string }>(
  entries: readonly (Type<SubTaskHandler> | ListedSubTask<T>)[],
  className: string,
  subTaskOf: (subTask: T) => SubTaskDefinition,
): SubTaskList {
  const all = entries.map((entry) => (isClass(entry) ? { subTask: entry } : entry)) as ListedSubTask<T>[];
  const racing = all.filter(({ shadow }) => shadow === undefined);
  const listed = [...racing, ...all.filter(({ shadow }) => shadow !== undefined)];
  const subTasks = listed.map(({ subTask }) => subTaskOf(subTask));
  refuseNamesakes(subTasks, listed, className);
  const what = (member: string, { subTask }: ListedSubTask<T>) =>
    `${member} of ${subTask.name} in the task ${className}`;
  const starts = listed.map((entry) =>
    parsed(() => startRuleSchema.parse(entry.start ?? 'at-once'), what('start', entry)),
  );
  const shadows = listed.map((entry) => {
    const { shadow, start } = entry;
    if (shadow === undefined) return undefined;
    if (start !== undefined)
      throw new TaskDeclarationError(
        `The ${what('start', entry)} stands beside shadow, which begins with its run, behind the others; take one out`,
      );
    return shadowTerms(parsed(() => shadowSchema.parse(shadow), what('shadow', entry)));
  });
  if (racing.length === 0 && listed.length > 0)
    throw new TaskDeclarationError(
      `All sub-tasks of the task ${className} are shadows, so that nothing could be the reply; list one without shadow`,
    );
  const misfit =
    racing.length > 0
      ? startOrderMisfit(
          racing.map(({ subTask }) => subTask.name),
          starts.slice(0, racing.length),
        )
      : undefined;
  if (misfit !== undefined)
    throw new TaskDeclarationError(`The start rules of ${className} don't fit: ${misfit}`);
  return {
    subTasks,
    starts,
    conditions: byName(
      subTasks,
      listed.map((entry) => conditionOf(entry.when, what('when', entry))),
    ),
    shadows: byName(subTasks, shadows),
  };
}

function refuseNamesakes<T extends { readonly name: string }>(
  subTasks: readonly SubTaskDefinition[],
  listed: readonly ListedSubTask<T>[],
  className: string,
): void {
  subTasks.forEach(({ name }, index) => {
    const other = subTasks.findIndex((subTask) => subTask.name === name);
    if (other === index) return;
    const [first, second] = [other, index].map((at) => listed[at]?.subTask.name ?? '');
    throw new TaskDeclarationError(
      `In the task ${className} the sub-tasks ${String(first)} and ${String(second)} are both named "${name}"; rename or remove one`,
    );
  });
}

/** The values that are not undefined, by the name of the sub-task; undefined where there are none. */
function byName<T>(
  subTasks: readonly { readonly name: string }[],
  values: readonly (T | undefined)[],
): ReadonlyMap<string, T> | undefined {
  const found = subTasks.flatMap(({ name }, index): [string, T][] => {
    const value = values[index];
    return value === undefined ? [] : [[name, value]];
  });
  return found.length > 0 ? new Map(found) : undefined;
}

function conditionOf(when: ListedSubTask<unknown>['when'], what: string): Condition | undefined {
  if (typeof when === 'function') return { text: undefined, holds: when };
  if (when === undefined || typeof when.holds === 'function') return when;
  throw new TaskDeclarationError(
    `The ${what} is no function; it takes one of the input, such as (input) => …`,
  );
}

/** All that is no object counts as a class, `undefined` too. The look-up of the class then says what is wrong. */
function isClass(entry: unknown): entry is Type<SubTaskHandler> {
  return typeof entry !== 'object' || entry === null;
}
