import type { StandardSchemaV1 } from '@standard-schema/spec';
import { breakerTerms } from '../core/breaker.js';
import { HEADER_NAME } from '../core/caller-headers.js';
import { milliseconds, type Duration } from '../core/duration.js';
import type { JsonValue } from '../core/json.js';
import {
  SUB_TASK_PLACEMENTS,
  type SubTaskHandler,
  type SubTaskOptions,
  type SubTaskPlacement,
} from '../core/sub-task.js';
import type { StreamTerms, SubTaskDefinition } from '../core/task.js';
import { CheckedResults, checkedResult } from './checked-results.js';
import { checkedName, checkedSchema, parsed, TaskDeclarationError } from './declared.js';

/** Checks a declared sub-task, and fills in the defaults. @throws {TaskDeclarationError} */
export function defineSubTask(
  options: SubTaskOptions,
  handler: SubTaskHandler<unknown>,
  className: string,
): SubTaskDefinition {
  const {
    retry = {},
    timeout = options.stream ? '10m' : '60s',
    concurrency = Infinity,
    placement = 'here',
  } = options;
  const { callerHeaders = [] } = options;
  const misnamed = callerHeaders.find((header) => !HEADER_NAME.test(header));
  if (misnamed !== undefined)
    throw new TaskDeclarationError(
      `callerHeaders of ${className} has ${JSON.stringify(misnamed)}, which is no name of a header; mend it`,
    );
  if (typeof handler.run !== 'function') {
    throw new TaskDeclarationError(`The sub-task ${className} has no method run(input, context); add one`);
  }
  if (retry.except?.some((type) => typeof type !== 'function')) {
    throw new TaskDeclarationError(
      `The retry.except of ${className} lists something that is no class (undefined often means a circular import)`,
    );
  }
  const durationMs = (value: Duration, what: string): number =>
    parsed(() => milliseconds(value), `${what} of ${className}`);
  const timeoutMs = durationMs(timeout, 'timeout');
  if (timeoutMs === 0)
    throw new TaskDeclarationError(
      `The timeout of ${className} is 0; it takes more: no attempt could succeed`,
    );
  const output = checkedSchema(options.output, `output of ${className}`);
  if (options.stream && placement === 'worker')
    throw new TaskDeclarationError(
      `The sub-task ${className} streams, which only the node of its run can; take out its placement`,
    );
  return {
    name: checkedName(options.name, className),
    handler: output && !options.stream ? new CheckedResults(handler, output) : handler,
    timeoutMs,
    retry: {
      attempts: checkedCount(retry.attempts ?? 1, `retry.attempts of ${className}`),
      delayMs: durationMs(retry.delay ?? '100ms', 'retry.delay'),
      maxDelayMs: durationMs(retry.maxDelay ?? '10s', 'retry.maxDelay'),
      maxWaitMs: durationMs(retry.maxWait ?? retry.maxDelay ?? '10s', 'retry.maxWait'),
      except: retry.except ?? [],
    },
    concurrency:
      concurrency === Infinity ? concurrency : checkedCount(concurrency, `concurrency of ${className}`),
    placement: checkedPlacement(placement, className),
    callerHeaders: callerHeaders.map((header) => header.toLowerCase()),
    stream: streamTerms(options.stream, durationMs, output),
    breaker: parsed(() => breakerTerms(options.breaker), `breaker of ${className}`),
  };
}

function streamTerms(
  stream: SubTaskOptions['stream'],
  durationMs: (value: Duration, what: string) => number,
  output: StandardSchemaV1 | undefined,
): StreamTerms | undefined {
  if (stream === undefined) return undefined;
  const { wins = isMeaningful, firstChunk, idle = '10s' } = stream === true ? {} : stream;
  return {
    wins,
    firstChunkMs: firstChunk === undefined ? Infinity : durationMs(firstChunk, 'stream.firstChunk'),
    idleMs: durationMs(idle, 'stream.idle'),
    checked: (result) => (output ? checkedResult(output, result) : result),
  };
}

function isMeaningful(chunk: JsonValue): boolean {
  if (typeof chunk !== 'object') return chunk !== '';
  return chunk !== null && Object.keys(chunk).length > 0;
}

function checkedCount(count: number, what: string): number {
  if (Number.isInteger(count) && count >= 1) return count;
  throw new TaskDeclarationError(`The ${what} is ${String(count)}; it takes a whole number from 1`);
}

function checkedPlacement(placement: SubTaskPlacement, className: string): SubTaskPlacement {
  if (SUB_TASK_PLACEMENTS.includes(placement)) return placement;
  throw new TaskDeclarationError(
    `The placement of ${className} is ${JSON.stringify(placement)}; it takes ${SUB_TASK_PLACEMENTS.join(' or ')}`,
  );
}
