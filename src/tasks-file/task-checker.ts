import type { z } from 'zod';
import { defineSubTask } from '../tasks/sub-task-declaration.js';
import { defineTask, replyMisfit } from '../tasks/task-declaration.js';
import type { Condition } from '../core/condition.js';
import type { JsonValue } from '../core/json.js';
import { stepsOf } from '../core/json-pointer.js';
import { KeyTemplate } from '../core/key-template.js';
import { redactionOf } from '../core/redaction.js';
import type { StreamOptions, SubTaskHandler } from '../core/sub-task.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import type { WebhookMeans } from '../core/webhook-means.js';
import { textOf } from '../core/thrown.js';
import { conditionMistake } from '../expressions/condition.js';
import { usesOf, type Use } from '../upstreams/template-uses.js';
import { environmentIssues, originsOf } from '../upstreams/environment.js';
import { literalOrigin } from '../upstreams/environment-url.js';
import { httpRequestSchema, type HttpRequestOptions } from '../upstreams/http-sub-task.schema.js';
import type { OriginSettings } from '../upstreams/upstreams.js';
import { webhookIn } from './file-webhooks.js';
import { isRuledOut, knownMembers } from './input-members.js';
import { inputSchema } from './input-schema.js';
import { hint } from './issue-message.js';
import type { Mistake, Path } from './mistake.js';
import { fileTaskSchema, subTaskSchema, type FileTask, type HttpFileSubTask } from './tasks-file.schema.js';
import type { YamlSource } from './yaml-source.js';

/** What calls an upstream. @see StreamOptions */
type HttpHandler = SubTaskHandler<unknown> & { readonly wins?: StreamOptions['wins'] };

/** What the tasks of a file are to be part of, as far as it is known. */
export interface Surroundings {
  /** What declares the task of a name already. */
  readonly declarationOf?: (task: string) => string | undefined;
  /** The sub-tasks that modules provide, by the names of their classes. Without, nothing is said of classes. */
  readonly classes?: ReadonlyMap<string, readonly SubTaskDefinition[]>;
  /** Without, sub-tasks are only checked. */
  readonly handlerOf?: (request: HttpRequestOptions) => HttpHandler;
  /** Makes a function of what `when` says. Without, conditions are only checked. */
  readonly conditionOf?: (text: string) => Condition['holds'];
  /** What the service has for webhooks. Without, only what they take of the environment is checked. */
  readonly webhookMeans?: WebhookMeans;
  /** Takes what the file says of an origin. */
  readonly configure?: (origin: string, settings: OriginSettings) => void;
}

/** Makes definitions of the tasks of a file, and notes in `source` what their schema can't see. */
export class TaskChecker {
  /** The variables that the file names and that the environment has not. */
  readonly unset: Mistake[] = [];

  /**
   * @param known of the files before, where each task stands, by its name, and the origins that sub-tasks may call; those of this file are added
   */
  constructor(
    private readonly source: YamlSource,
    private readonly environment: Readonly<NodeJS.ProcessEnv>,
    private readonly known: { readonly declared: Map<string, string>; readonly called: Set<string> },
    private readonly surroundings: Surroundings = {},
  ) {}

  /** Looks at all of a task that fits its schema by itself. Undefined when there is a mistake in it. */
  define(name: string, value: unknown): TaskDefinition | undefined {
    const before = this.source.mistakes.length;
    const path = ['tasks', name];
    this.noteNamesakes(name, path);
    const raw = (value ?? {}) as { readonly input?: JsonValue; readonly subTasks?: unknown };
    const input = this.input(raw.input, [...path, 'input']);
    const subTasks = this.subTasks(raw.subTasks, [...path, 'subTasks'], input && raw.input);
    const { data: task } = fileTaskSchema.safeParse(value);
    if (!task || !subTasks.every((subTask) => subTask !== undefined)) return undefined;
    const reply = this.knownReply(task);
    const { losers, onBreak, face, order, coalesce, reuse, deadline, hedgeBudget, keepInput, redact } = task;
    const { concurrencyKey, concurrencyPerKey } = task;
    const redaction = redactionOf(keepInput, redact);
    const racing = subTasks.filter((_subTask, index) => task.subTasks[index]?.shadow === undefined);
    const misfit = reply && replyMisfit({ name, subTasks: racing, redaction, shadows: undefined }, reply);
    this.noteUnknownRedactions(redact, [...path, 'redact'], input && raw.input);
    this.noteUnknownKeys(coalesce?.key, [...path, 'coalesce', 'key'], input && raw.input);
    this.noteUnknownKeys(concurrencyKey, [...path, 'concurrencyKey'], input && raw.input);
    const webhooks = this.webhooks(task.webhooks, [...path, 'webhooks']);
    if (misfit) this.source.note([...path, 'reply', misfit.pointer.slice(1)], misfit.detail);
    if (this.source.mistakes.length > before) return undefined;
    const listed = subTasks.map((subTask, index) => {
      const { start, when, shadow } = task.subTasks[index] ?? {};
      return { subTask, start, when: this.conditionOf(when), shadow };
    });
    const options = {
      name,
      subTasks: listed,
      ...defined({ reply, losers, onBreak, face, order, coalesce, reuse, deadline, hedgeBudget }),
      ...defined({ concurrencyKey, concurrencyPerKey, input, keepInput, redact }),
    };
    return this.attempt(
      () => ({ ...defineTask<SubTaskDefinition>(options, name, (subTask) => subTask), webhooks }),
      (message) => this.source.noteKey(path, message),
    );
  }

  private webhooks(webhooks: FileTask['webhooks'], path: Path): TaskDefinition['webhooks'] {
    return webhooks?.flatMap((options, index) => {
      const { webhook, issues } = webhookIn(this.environment, options, this.surroundings.webhookMeans);
      for (const { member, message } of issues) this.noteUnset([...path, index, member], message);
      return webhook ?? [];
    });
  }

  private noteNamesakes(name: string, path: Path): void {
    const { source } = this;
    const { declared } = this.known;
    const ofCode = this.surroundings.declarationOf?.(name);
    if (ofCode !== undefined)
      source.noteKey(path, `is the name of a task of the code, ${ofCode}, too; rename one`);
    const ofFile = declared.get(name);
    if (ofFile !== undefined) source.noteKey(path, `is the name of a task in ${ofFile} too; rename one`);
    else declared.set(name, `${source.file}:${source.lineOf(path)}`);
  }

  private input(value: unknown, path: Path): z.ZodType | undefined {
    const { data } = fileTaskSchema.shape.input.safeParse(value);
    if (!data) return undefined;
    const { zodSchema, flaws = [] } = inputSchema(data);
    for (const flaw of flaws) this.source.note([...path, ...flaw.path], flaw.message);
    return zodSchema;
  }

  /** @param schema of the input, where there is a sound one */
  private subTasks(value: unknown, path: Path, schema?: JsonValue): (SubTaskDefinition | undefined)[] {
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

  /** Of a sub-task with wrong members, what fits only together: its schema looks at that when each fits by itself. */
  private noteMisfits(raw: unknown, path: Path): void {
    const known = Object.entries(raw ?? {}).filter(([member]) => member in httpRequestSchema.shape);
    for (const issue of httpRequestSchema.safeParse(Object.fromEntries(known)).error?.issues ?? [])
      if (issue.code === 'custom') this.source.note([...path, ...issue.path], issue.message);
  }

  /** What is wrong with the clauses of a sub-task that fit their schemas by themselves. */
  private noteClauses(raw: unknown, path: Path): void {
    const { start, when, shadow } = (raw ?? {}) as Readonly<Record<string, unknown>>;
    const mistake = typeof when === 'string' ? conditionMistake(when) : undefined;
    if (mistake !== undefined) this.source.note([...path, 'when'], mistake);
    if (start === undefined || shadow === undefined) return;
    const message = 'stands beside shadow, which begins with its run, behind the others; take one out';
    this.source.note([...path, 'start'], message);
  }

  private conditionOf(text: string | undefined): Condition | undefined {
    if (text === undefined) return undefined;
    return { text, holds: this.surroundings.conditionOf?.(text) ?? (() => true) };
  }

  private call(subTask: HttpFileSubTask, path: Path, schema?: JsonValue): SubTaskDefinition | undefined {
    const { kind: _, start: __, when: ___, shadow: ____, ...call } = subTask;
    const { name, timeout, retry, concurrency, placement, breaker, ...request } = call;
    const uses = usesOf(request);
    this.noteUnknownMembers(uses.input, path, schema);
    const unset = environmentIssues(request, this.environment);
    for (const issue of unset) this.noteUnset([...path, ...issue.path], issue.message);
    if (unset.length === 0)
      for (const origin of originsOf(request, this.environment)) this.known.called.add(origin);
    const handlerOf = unset.length === 0 ? this.surroundings.handlerOf : undefined;
    const callerHeaders = uses.callerHeaders.map((use) => use.name);
    const common = defined({
      ...{ timeout, retry: retry && defined(retry), concurrency, placement },
      breaker: breaker && defined({ upstream: literalOrigin(request.url), ...(breaker !== true && breaker) }),
    });
    const { stream, firstChunk, idle } = request;
    return this.attempt(
      () => {
        const handler = handlerOf?.(request);
        const streamed = stream && { stream: defined({ wins: handler?.wins, firstChunk, idle }) };
        return defineSubTask({ name, callerHeaders, ...common, ...streamed }, handler ?? IDLE, name);
      },
      (message) => this.source.note(path, message),
    );
  }

  /** Notes a variable once at a place, however many sub-tasks have it from there. */
  private noteUnset(path: Path, message: string): void {
    const mistake = this.source.mistakeAt(path, message);
    const { line, column } = mistake;
    const isSame = (other: Mistake) =>
      other.line === line && other.column === column && other.message === message;
    if (!this.unset.some(isSame)) this.unset.push(mistake);
  }

  /** Notes variables that stand for no member that an input may have: they would vanish. */
  private noteUnknownMembers(uses: readonly Use[], path: Path, schema?: JsonValue): void {
    for (const { path: to, name } of uses) {
      if (!isRuledOut(schema, name)) continue;
      const message = `has {${name}}, but no input has a member ${name}; ${hint(name, knownMembers(schema))}`;
      this.source.note([...path, ...to], message);
    }
  }

  /** Notes pointers that lead to no member that an input may have: what was meant would be kept. */
  private noteUnknownRedactions(pointers: readonly string[] = [], path: Path, schema?: JsonValue): void {
    for (const [index, pointer] of pointers.entries()) {
      const [root, name = ''] = stepsOf(pointer);
      if (root === 'input' && isRuledOut(schema, name))
        this.source.note(
          [...path, index],
          `no input has a member ${name}; ${hint(name, knownMembers(schema))}`,
        );
    }
  }

  /** Notes names in a template of keys for which no input has a member: no request would have a key. */
  private noteUnknownKeys(template: string | undefined, path: Path, schema?: JsonValue): void {
    if (template === undefined) return;
    for (const name of KeyTemplate.parse(template).members)
      if (isRuledOut(schema, name))
        this.source.note(
          path,
          `has {input.${name}}, but no input has a member ${name}; ${hint(name, knownMembers(schema))}`,
        );
  }

  private ofClass(name: string, path: Path): SubTaskDefinition | undefined {
    const { classes } = this.surroundings;
    if (!classes) return unknownSubTask(name);
    const [found, other] = classes.get(name) ?? [];
    if (found && !other) return found;
    const message = found
      ? 'is the name of two classes; rename one'
      : `is no class with @SubTask that a module provides; ${hint(name, [...classes.keys()])}`;
    this.source.note([...path, 'class'], message);
    return undefined;
  }

  /** Undefined too where the primary may be of a class that nobody knows yet. */
  private knownReply({ reply, subTasks }: FileTask): FileTask['reply'] {
    const unknown = !this.surroundings.classes && subTasks.some(({ kind }) => kind === 'class');
    if (reply?.policy !== 'primary' || !unknown) return reply;
    return subTasks.some((subTask) => subTask.kind === 'http' && subTask.name === reply.primary)
      ? reply
      : undefined;
  }

  private attempt<T>(define: () => T, note: (message: string) => void): T | undefined {
    try {
      return define();
    } catch (error) {
      note(textOf(error));
      return undefined;
    }
  }
}

/** Stands for what a class does, or a call, where nothing is run. */
const IDLE: SubTaskHandler<unknown> = { run: () => undefined };

/** Stands for the sub-task of a class; no other can be named so, as a name holds no space. */
function unknownSubTask(className: string): SubTaskDefinition {
  return { ...defineSubTask({ name: 'unknown' }, IDLE, className), name: `class ${className}` };
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without the members that are undefined. */
function defined<T extends object>(members: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<
    Defined<T>
  >;
}
