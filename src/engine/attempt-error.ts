import { JsonError } from '../tasks/json.js';
import type { AttemptError } from '../tasks/run.js';

const MAX_MESSAGE = 500;

export class AttemptTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`took longer than ${String(timeoutMs)} ms`);
    this.name = 'AttemptTimeout';
  }
}

/** What is recorded of anything that a sub-task may throw, errors with hostile getters included. */
export function attemptError(thrown: unknown): AttemptError {
  if (thrown instanceof AttemptTimeout) return { code: 'timeout', message: thrown.message };
  if (thrown instanceof JsonError) {
    return {
      code: thrown.code === 'too-large' ? 'result-too-large' : 'result-not-json',
      message: thrown.message,
    };
  }
  return { code: 'threw', message: messageOf(thrown) };
}

function messageOf(thrown: unknown): string {
  try {
    const text =
      thrown instanceof Error ? thrown.message || thrown.name : `threw ${typeof thrown}: ${String(thrown)}`;
    return text.slice(0, MAX_MESSAGE).toWellFormed();
  } catch {
    return 'threw something that has no text';
  }
}
