import type { JsonValue } from '../core/json.js';
import { stepsOf, valueAt } from '../core/json-pointer.js';
import { SubTaskError } from '../core/sub-task-error.js';
import { expressionOf } from '../expressions/expression.js';
import { ExpressionError, type Evaluated, type ExpressionThread } from '../expressions/expression-thread.js';
import { FrameError, type Frame } from './frame-decoder.js';
import type { UpstreamResponse } from './upstream-response.js';

/** Values besides the frame that expressions of a stream can use. */
interface Asking {
  readonly response: UpstreamResponse;
  readonly input: unknown;
  readonly signal: AbortSignal;
}

/**
 * Extracts the chunk from a frame: at once where there is no expression; undefined or null when the frame has none.
 *
 * @throws {FrameError}
 */
type ChunkOf = (
  value: JsonValue,
  frame: Frame,
  asking: Asking,
) => JsonValue | undefined | Promise<JsonValue | undefined>;

/** @param maxBytes how large the value of an expression may be */
export function compileChunk(chunk: string, thread: ExpressionThread, maxBytes: number): ChunkOf {
  const source = expressionOf(chunk);
  if (source === undefined) {
    const steps = stepsOf(chunk);
    return (value) => valueAt(value, steps);
  }
  const sources = [source];
  return async (body, { text }, { response: { status, headers }, input, signal }) => {
    const questions = { sources, body, variables: { input, status, headers }, maxLength: maxBytes };
    const failed = (reason: string) => new FrameError(`the expression of chunk ${reason}`, text);
    return evaluate(thread, questions, text.length, signal, failed);
  };
}

const NEVER = new AbortController().signal;

/**
 * Compiles `wins`: the function tells whether a chunk is enough for its stream to win. It throws SubTaskError `upstream-unfit` when the
 * expression fails, or gives neither true nor false.
 */
export function compileWins(
  wins: string,
  thread: ExpressionThread,
  maxBytes: number,
): (chunk: JsonValue) => Promise<boolean> {
  const sources = [expressionOf(wins) ?? ''];
  const failed = (reason: string) =>
    new SubTaskError(`The expression of wins ${reason}`, { code: 'upstream-unfit' });
  return async (body) => {
    const questions = { sources, body, variables: {}, maxLength: maxBytes };
    const bytes = typeof body === 'string' ? body.length : JSON.stringify(body).length;
    const value = (await evaluate(thread, questions, bytes, NEVER, failed)) ?? false;
    if (typeof value === 'boolean') return value;
    throw failed('gives neither true nor false; write $exists(…) or $boolean(…) around it');
  };
}

async function evaluate(
  thread: ExpressionThread,
  questions: Parameters<ExpressionThread['evaluate']>[0],
  bytes: number,
  signal: AbortSignal,
  failed: (reason: string) => Error,
): Promise<JsonValue | undefined> {
  let evaluated: Evaluated | undefined;
  try {
    [evaluated] = await thread.evaluate(questions, bytes, signal);
  } catch (error) {
    throw error instanceof ExpressionError ? failed(error.message) : error;
  }
  if (evaluated && 'error' in evaluated) throw failed(`fails: ${evaluated.error}`);
  return evaluated?.value;
}
