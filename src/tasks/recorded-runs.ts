import { Injectable } from '@nestjs/common';
import { runKeyOf } from '../core/fairness.js';
import { deepFreeze, memoryBytes } from '../core/json.js';
import type { RunRecord } from '../core/run-record.js';
import type { SubTaskRecord } from '../core/sub-task-record.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { RunTerms } from '../run/run-terms.js';
import { parseInput } from './accepted-run.js';
import { obstaclesFor } from './eligibility.js';
import { TaskRegistry } from './task-registry.js';

/** Makes the terms of runs that are on record fit the tasks as they are now. */
@Injectable()
export class RecordedRuns {
  private readonly logger = loggerOf('run');
  /** Tasks that runs are left of but that the service has no more. */
  private readonly missing = new Set<string>();

  constructor(private readonly registry: TaskRegistry) {}

  /**
   * What a run was asked for; with `unfit` where the service can't execute it any more.
   *
   * @param toBegin whether sub-tasks may begin of which it is to be known whether they are eligible
   */
  async termsOf(record: Readonly<RunRecord>, toBegin = true): Promise<RunTerms> {
    const {
      id,
      task,
      input,
      inputIsKept,
      replyPolicy,
      losers,
      onBreak,
      labels,
      deadline,
      subTasks,
      shadows,
      requestId,
      traceparent,
      callerHeaders,
      webhooks,
      clientId,
    } = record;
    const definition = this.registry.find(task);
    const terms = {
      id,
      task,
      definition,
      subTasks: subTasks.map(({ name }) => name),
      ...(shadows && { shadows }),
      input,
      inputIsKept,
      parsedInput: null,
      inputBytes: memoryBytes(input),
      replyPolicy,
      losers,
      onBreak,
      key: runKeyOf(definition?.fairness, input, labels, { clientId }),
      labels,
      deadline,
      // Not the record: it has the results too.
      origin: { requestId, traceparent, clientId },
      callerHeaders,
      webhooks,
    };
    if (!definition) {
      const message = `The service has no task ${task} any more`;
      return { ...terms, unfit: { code: 'task-unknown', message } };
    }
    if (!inputIsKept) {
      const message = `The journal has not all of the input, as ${task} asks for (keepInput, redact), so that it can’t begin again; send it once more`;
      return { ...terms, unfit: { code: 'input-not-kept', message } };
    }
    try {
      const parsedInput = deepFreeze(await parseInput(definition, deepFreeze(input)));
      const fresh = definition.conditions && toBegin ? subTasks.filter(mayBegin) : [];
      const obstacles =
        fresh.length > 0 ? await obstaclesFor(definition, parsedInput, namesOf(fresh)) : undefined;
      return { ...terms, parsedInput, ...(obstacles && { obstacles }) };
    } catch (error) {
      const message = `The input fits the task no more: ${textOf(error)}`;
      return { ...terms, unfit: { code: 'input-unfit', message } };
    }
  }

  /** Why a sub-task that is retried, and never began, is not eligible now; undefined where it is. */
  async obstacleNow({ definition, parsedInput }: RunTerms, { name, attempts }: Readonly<SubTaskRecord>) {
    if (attempts > 0 || !definition?.conditions?.has(name)) return undefined;
    return (await obstaclesFor(definition, parsedInput, [name]))?.get(name);
  }

  /** Says once of a task that runs are left of it which this service fails, because it has the task no more. */
  reportMissing(task: string): void {
    if (this.missing.has(task)) return;
    this.missing.add(task);
    this.logger.error(
      `Runs are left of the task ${task}, which the service has no more; they fail with task-unknown`,
    );
  }
}

/** Whether it has not begun, and has no outcome. */
function mayBegin({ attempts, finishedAt }: Readonly<SubTaskRecord>): boolean {
  return attempts === 0 && finishedAt === null;
}

function namesOf(subTasks: readonly Readonly<SubTaskRecord>[]): string[] {
  return subTasks.map(({ name }) => name);
}
