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

/** Makes terms from the records of runs, with the tasks as they are now. */
@Injectable()
export class RecordedRuns {
  private readonly logger = loggerOf('run');
  /** Tasks that the service has no more, but that have unfinished runs. Each was reported. */
  private readonly missing = new Set<string>();

  constructor(private readonly registry: TaskRegistry) {}

  /**
   * The terms of a recorded run, with `unfit` where the service can't execute the run any more.
   *
   * @param toBegin whether sub-tasks may begin, so that `when` must be evaluated. Default true
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
      // Not the record itself, which would keep the results in memory.
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

  /** Why a sub-task that never began, and is now retried, is not eligible; undefined where it is eligible, or has begun. */
  async obstacleNow({ definition, parsedInput }: RunTerms, { name, attempts }: Readonly<SubTaskRecord>) {
    if (attempts > 0 || !definition?.conditions?.has(name)) return undefined;
    return (await obstaclesFor(definition, parsedInput, [name]))?.get(name);
  }

  /** Logs, once for each task, that this service fails the task's unfinished runs because it has the task no more. */
  reportMissing(task: string): void {
    if (this.missing.has(task)) return;
    this.missing.add(task);
    this.logger.error(
      `Runs are left of the task ${task}, which the service has no more; they fail with task-unknown`,
    );
  }
}

/** Whether a sub-task has not begun, and has no outcome. */
function mayBegin({ attempts, finishedAt }: Readonly<SubTaskRecord>): boolean {
  return attempts === 0 && finishedAt === null;
}

function namesOf(subTasks: readonly Readonly<SubTaskRecord>[]): string[] {
  return subTasks.map(({ name }) => name);
}
