import type { z } from 'zod';
import type { Condition } from '../core/condition.js';
import type { JsonValue } from '../core/json.js';
import { stepsOf } from '../core/json-pointer.js';
import { KeyTemplate } from '../core/key-template.js';
import { redactionOf } from '../core/redaction.js';
import type { SubTaskDefinition, TaskDefinition } from '../core/task.js';
import { textOf } from '../core/thrown.js';
import { defineTask, replyMisfit } from '../tasks/task-declaration.js';
import { defined } from './defined.js';
import { webhookIn } from './file-webhooks.js';
import { unknownMember } from './input-members.js';
import { inputSchema } from './input-schema.js';
import type { Mistake, Path } from './mistake.js';
import type { ServiceContext } from './service-context.js';
import { SubTaskChecker } from './sub-task-checker.js';
import { fileTaskSchema, type FileTask } from './tasks-file.schema.js';
import { UnsetVariables } from './unset-variables.js';
import type { YamlSource } from './yaml-source.js';

/** Makes definitions from a file's tasks, and reports in `source` the mistakes that the schema can't find. */
export class TaskChecker {
  private readonly unsetVariables: UnsetVariables;
  private readonly subTasks: SubTaskChecker;

  /** @param known the tasks of earlier files, with their places, and the origins that sub-tasks may call; those of this file are added */
  constructor(
    private readonly source: YamlSource,
    private readonly environment: Readonly<NodeJS.ProcessEnv>,
    private readonly known: { readonly declared: Map<string, string>; readonly called: Set<string> },
    private readonly service: ServiceContext = {},
  ) {
    this.unsetVariables = new UnsetVariables(source);
    this.subTasks = new SubTaskChecker(source, environment, this.unsetVariables, known.called, service);
  }

  /** The environment variables that the tasks name and that are not set. */
  get unset(): readonly Mistake[] {
    return this.unsetVariables.mistakes;
  }

  /** Checks a task that is valid by its schema. Undefined when the task has a mistake. */
  define(name: string, value: unknown): TaskDefinition | undefined {
    const before = this.source.mistakes.length;
    const path = ['tasks', name];
    this.noteNamesakes(name, path);
    const raw = (value ?? {}) as { readonly input?: JsonValue; readonly subTasks?: unknown };
    const input = this.input(raw.input, [...path, 'input']);
    const subTasks = this.subTasks.define(raw.subTasks, [...path, 'subTasks'], input && raw.input);
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
    try {
      return { ...defineTask<SubTaskDefinition>(options, name, (subTask) => subTask), webhooks };
    } catch (error) {
      this.source.noteKey(path, textOf(error));
      return undefined;
    }
  }

  private webhooks(webhooks: FileTask['webhooks'], path: Path): TaskDefinition['webhooks'] {
    return webhooks?.flatMap((options, index) => {
      const { webhook, issues } = webhookIn(this.environment, options, this.service.webhookMeans);
      for (const { member, message } of issues) this.unsetVariables.note([...path, index, member], message);
      return webhook ?? [];
    });
  }

  private noteNamesakes(name: string, path: Path): void {
    const { source } = this;
    const { declared } = this.known;
    const ofCode = this.service.declarationOf?.(name);
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

  private conditionOf(text: string | undefined): Condition | undefined {
    if (text === undefined) return undefined;
    return { text, holds: this.service.conditionOf?.(text) ?? (() => true) };
  }

  /** Reports pointers to members that no input has: the values that were meant would not be redacted. */
  private noteUnknownRedactions(pointers: readonly string[] = [], path: Path, schema?: JsonValue): void {
    for (const [index, pointer] of pointers.entries()) {
      const [root, name = ''] = stepsOf(pointer);
      const unknown = root === 'input' ? unknownMember(schema, name) : undefined;
      if (unknown !== undefined) this.source.note([...path, index], unknown);
    }
  }

  /** Notes names in a template of keys for which no input has a member: no request would have a key. */
  private noteUnknownKeys(template: string | undefined, path: Path, schema?: JsonValue): void {
    if (template === undefined) return;
    for (const name of KeyTemplate.parse(template).members) {
      const unknown = unknownMember(schema, name);
      if (unknown !== undefined) this.source.note(path, `has {input.${name}}, but ${unknown}`);
    }
  }

  /** The task's reply policy. Undefined too when the primary sub-task may be of a class that isn't known. */
  private knownReply({ reply, subTasks }: FileTask): FileTask['reply'] {
    const unknown = !this.service.classes && subTasks.some(({ kind }) => kind === 'class');
    if (reply?.policy !== 'primary' || !unknown) return reply;
    return subTasks.some((subTask) => subTask.kind === 'http' && subTask.name === reply.primary)
      ? reply
      : undefined;
  }
}
