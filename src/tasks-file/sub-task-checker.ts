import type { JsonValue } from '../core/json.js';
import type { SubTaskHandler } from '../core/sub-task.js';
import type { SubTaskDefinition } from '../core/task.js';
import { textOf } from '../core/thrown.js';
import { conditionMistake } from '../expressions/condition.js';
import { defineSubTask } from '../tasks/sub-task-declaration.js';
import { environmentIssues, originsOf } from '../upstreams/environment.js';
import { literalOrigin } from '../upstreams/environment-url.js';
import { httpRequestSchema } from '../upstreams/http-sub-task.schema.js';
import { usesOf, type Use } from '../upstreams/template-uses.js';
import { defined } from './defined.js';
import { unknownMember } from './input-members.js';
import { hint } from './issue-message.js';
import type { Path } from './mistake.js';
import type { ServiceContext } from './service-context.js';
import { subTaskSchema, type HttpFileSubTask } from './tasks-file.schema.js';
import type { UnsetVariables } from './unset-variables.js';
import type { YamlSource } from './yaml-source.js';

/** Makes definitions from a file's sub-tasks, and reports in `source` the mistakes that the schema can't find. */
export class SubTaskChecker {
  /** @param called the origins that sub-tasks may call; this file's origins are added */
  constructor(
    private readonly source: YamlSource,
    private readonly environment: Readonly<NodeJS.ProcessEnv>,
    private readonly unset: UnsetVariables,
    private readonly called: Set<string>,
    private readonly service: ServiceContext,
  ) {}

  /**
   * Checks the sub-tasks of a task, one by one and against each other.
   *
   * @param schema the JSON Schema of the input, if it has no flaws
   * @returns undefined in place of each sub-task that can't be defined
   */
  define(value: unknown, path: Path, schema?: JsonValue): (SubTaskDefinition | undefined)[] {
    const names: string[] = [];
    return (Array.isArray(value) ? (value as unknown[]) : []).map((raw, index) => {
      const here = [...path, index];
      const { data } = subTaskSchema.safeParse(raw);
      if (!data) this.noteMisfits(raw, here);
      this.noteClauses(raw, here);
      const subTask =
        data && (data.kind === 'http' ? this.call(data, here, schema) : this.ofClass(data.class, here));
      const name = subTask?.name ?? (raw as { readonly name?: unknown } | null)?.name;
      if (typeof name !== 'string') return subTask;
      const first = names.indexOf(name);
      names[index] = name;
      if (first < 0) return subTask;
      const message = `another sub-task, subTasks[${first}], is named "${name}" too; rename or remove one`;
      this.source.note([...here, data?.kind === 'class' ? 'class' : 'name'], message);
      return subTask;
    });
  }

  /** Checks a sub-task with wrong members for members that don't fit together: its schema checks that only when each member is valid. */
  private noteMisfits(raw: unknown, path: Path): void {
    const known = Object.entries(raw ?? {}).filter(([member]) => member in httpRequestSchema.shape);
    for (const issue of httpRequestSchema.safeParse(Object.fromEntries(known)).error?.issues ?? [])
      if (issue.code === 'custom') this.source.note([...path, ...issue.path], issue.message);
  }

  /** Checks the clauses of a sub-task that are valid by their schemas. */
  private noteClauses(raw: unknown, path: Path): void {
    const { start, when, shadow } = (raw ?? {}) as Readonly<Record<string, unknown>>;
    const mistake = typeof when === 'string' ? conditionMistake(when) : undefined;
    if (mistake !== undefined) this.source.note([...path, 'when'], mistake);
    if (start === undefined || shadow === undefined) return;
    const message = 'stands beside shadow, which begins with its run, behind the others; take one out';
    this.source.note([...path, 'start'], message);
  }

  private call(subTask: HttpFileSubTask, path: Path, schema?: JsonValue): SubTaskDefinition | undefined {
    const { kind: _, start: __, when: ___, shadow, ...call } = subTask;
    const { name, timeout, retry, concurrency, placement, breaker, ...request } = call;
    const uses = usesOf(request);
    this.noteUnknownMembers(uses.input, path, schema);
    const unset = environmentIssues(request, this.environment);
    for (const issue of unset) this.unset.note([...path, ...issue.path], issue.message);
    if (unset.length === 0)
      for (const origin of originsOf(request, this.environment)) this.called.add(origin);
    const handlerOf = unset.length === 0 ? this.service.handlerOf : undefined;
    const callerHeaders = uses.callerHeaders.map((use) => use.name);
    // The failures of a shadow would keep others from an upstream that answers them.
    const upstream = shadow === undefined ? literalOrigin(request.url) : undefined;
    const common = defined({
      ...{ timeout, retry: retry && defined(retry), concurrency, placement },
      breaker: breaker && defined({ upstream, ...(breaker !== true && breaker) }),
    });
    const { stream, firstChunk, idle } = request;
    try {
      const handler = handlerOf?.(request);
      const streamed = stream && { stream: defined({ wins: handler?.wins, firstChunk, idle }) };
      return defineSubTask({ name, callerHeaders, ...common, ...streamed }, handler ?? IDLE, name);
    } catch (error) {
      this.source.note(path, textOf(error));
      return undefined;
    }
  }

  /** Reports variables for which no input has a member: they would be replaced by nothing. */
  private noteUnknownMembers(uses: readonly Use[], path: Path, schema?: JsonValue): void {
    for (const { path: to, name } of uses) {
      const unknown = unknownMember(schema, name);
      if (unknown !== undefined) this.source.note([...path, ...to], `has {${name}}, but ${unknown}`);
    }
  }

  private ofClass(name: string, path: Path): SubTaskDefinition | undefined {
    const { classes } = this.service;
    if (!classes) return unknownSubTask(name);
    const [found, other] = classes.get(name) ?? [];
    if (found && !other) return found;
    const message = found
      ? 'is the name of two classes; rename one'
      : `is no class with @SubTask that a module provides; ${hint(name, [...classes.keys()])}`;
    this.source.note([...path, 'class'], message);
    return undefined;
  }
}

/** Stands for a handler when nothing is executed. */
const IDLE: SubTaskHandler<unknown> = { run: () => undefined };

/** Stands for the sub-task of an unknown class. Its name has a space, so no other sub-task can have it. */
function unknownSubTask(className: string): SubTaskDefinition {
  return { ...defineSubTask({ name: 'unknown' }, IDLE, className), name: `class ${className}` };
}
