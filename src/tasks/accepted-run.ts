import type { IncomingHttpHeaders } from 'node:http';
import { freezeRequest, inputErrors, invalidRequest } from '../core/domain-error.js';
import { runKeyOf } from '../core/fairness.js';
import { deepFreeze, memoryBytes, type JsonValue } from '../core/json.js';
import type { RunOrigin } from '../core/run-origin.js';
import { redacted } from '../core/redaction.js';
import { newRunId } from '../core/run-id.js';
import { obstaclesFor } from './eligibility.js';
import { keptHeaders } from './kept-headers.js';
import { validated } from './standard-schema.js';
import { replyMisfit } from './task-declaration.js';
import type { TaskDefinition } from '../core/task.js';
import type { RunTerms } from '../run/run-terms.js';
import type { RunRequest } from './tasks.schemas.js';
import type { RunWebhooks } from './run-webhooks.js';

/**
 * Checks a request, and makes the terms of a new run from it.
 *
 * @param webhooksOf registers the run's webhooks; undefined where the caller has done that
 * @param headers of the request
 * @throws {DomainError} `invalid-request`, with a JSON Pointer to each error; `journal-unavailable`
 */
export async function acceptRun(
  task: TaskDefinition,
  request: RunRequest,
  origin: RunOrigin,
  webhooksOf: RunWebhooks | undefined,
  headers: IncomingHttpHeaders = {},
): Promise<RunTerms> {
  const {
    input = null,
    reply = task.reply,
    losers = task.losers,
    labels,
    deadline = task.deadline,
  } = request;
  const misfit = replyMisfit(task, reply);
  if (misfit) throw invalidRequest([{ ...misfit, pointer: `/reply${misfit.pointer}` }]);
  freezeRequest(input, '/input');
  const callerHeaders = keptHeaders(task, headers, origin);
  const webhooks =
    task.webhooks || request.webhooks ? await webhooksOf?.register(task, request.webhooks) : undefined;
  const parsedInput = deepFreeze(task.input ? await parseInput(task, input) : input);
  const obstacles = task.conditions && (await obstaclesFor(task, parsedInput));
  const kept = redacted(input, task.redaction?.input ?? []);
  return {
    id: newRunId(),
    task: task.name,
    definition: task,
    subTasks: task.subTasks.map(({ name }) => name),
    ...(task.shadows && { shadows: [...task.shadows.keys()] }),
    ...(obstacles && { obstacles }),
    input: kept,
    inputIsKept: kept === input,
    parsedInput,
    inputBytes:
      memoryBytes(input) +
      (callerHeaders ? memoryBytes(callerHeaders) : 0) +
      (webhooks ? memoryBytes(webhooks) : 0),
    replyPolicy: deepFreeze(reply),
    losers: deepFreeze(losers),
    ...(task.onBreak === 'restart' && { onBreak: task.onBreak }),
    key: runKeyOf(task.fairness, input, labels, origin),
    labels: labels && Object.keys(labels).length > 0 ? Object.freeze(labels) : undefined,
    deadline,
    origin,
    callerHeaders,
    webhooks,
  };
}

/** Parses an input with the task's schema. @throws {DomainError} `invalid-request` */
export async function parseInput(task: TaskDefinition, input: JsonValue): Promise<unknown> {
  if (!task.input) return input;
  const parsed = await validated(task.input, input);
  if (!parsed.issues) return parsed.value;
  throw invalidRequest(inputErrors(parsed.issues, '/input'));
}
