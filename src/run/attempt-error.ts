import { deepFreeze, JsonError } from '../core/json.js';
import { REDACTED } from '../core/redaction.js';
import { ATTEMPT_ERROR_CODES, type AttemptError } from '../core/run.js';
import { SubTaskError, type SubTaskErrorOptions } from '../core/sub-task-error.js';
import { isOneOf, stackOf, textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { SubTaskOwner } from './sub-task-owner.js';

const logger = loggerOf('sub-task');

const MAX_MESSAGE = 500;
const MAX_EXCERPT = 500;
/** The codes that may be recorded. Others come only from JavaScript code: each would be a further series of the metrics, which no reader expects. */
const CODES: ReadonlySet<unknown> = new Set(ATTEMPT_ERROR_CODES);

export class AttemptTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`took longer than ${timeoutMs} ms`);
    this.name = 'AttemptTimeout';
  }
}

/** @param isPrivate whether the message may have secrets that an upstream has echoed */
function attemptError(thrown: unknown, note: string, isPrivate: boolean): AttemptError {
  const message = textOf(thrown).slice(0, MAX_MESSAGE).toWellFormed() + note;
  if (isOneOf(thrown, [SubTaskError])) {
    const { code: given = 'threw', upstream, final = false } = (thrown as SubTaskError).options;
    const code = CODES.has(given) ? given : 'threw';
    const error = { code, message, ...(final && { final: true as const }) };
    if (!upstream) return error;
    const excerpt = isPrivate ? REDACTED : upstream.excerpt.slice(0, MAX_EXCERPT).toWellFormed();
    return { ...error, upstream: { status: upstream.status, excerpt } };
  }
  if (isOneOf(thrown, [AttemptTimeout])) return { code: 'timeout', message };
  if (!isOneOf(thrown, [JsonError])) return { code: 'threw', message };
  const { code } = thrown as JsonError;
  return { code: code === 'too-large' ? 'result-too-large' : 'result-not-json', message };
}

/** The error to record for a failed attempt. Its message ends with the note. The stack trace of an unexpected error is only logged. */
export function recordedError(
  thrown: unknown,
  owner: SubTaskOwner,
  subTask: string,
  attempt: number,
  note = '',
): AttemptError {
  const error = deepFreeze(attemptError(thrown, note, owner.redaction !== undefined));
  const stack = error.code === 'threw' ? stackOf(thrown) : undefined;
  if (stack !== undefined) {
    const about = { runId: owner.id, ...owner.originFields, subTask, attempt };
    logger.warn({ msg: `${subTask} threw`, ...about, stack });
  }
  return error;
}

/** An error whose message ends with a note. */
export function noted(error: AttemptError, note: string): AttemptError {
  return Object.freeze({ ...error, message: error.message + note });
}

/** What a thrown value says about the next attempt. */
export function retryTermsOf(thrown: unknown): Pick<SubTaskErrorOptions, 'retry' | 'retryAfterMs' | 'final'> {
  return isOneOf(thrown, [SubTaskError]) ? (thrown as SubTaskError).options : {};
}
