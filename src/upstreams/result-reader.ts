import type { JsonValue } from '../core/json.js';
import { expressionOf } from '../expressions/expression.js';
import { ExpressionError, type Evaluated, type ExpressionThread } from '../expressions/expression-thread.js';
import { bodyCheck } from './body-schema.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import { bodyValue } from './response-body.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';
import { compileTemplate, hasPointer } from './result-template.js';

/** Makes the result from a response with an accepted status: at once where there is no expression. @throws {UnfitResponse} */
type ResultOf = (
  response: UpstreamResponse,
  input: unknown,
  signal: AbortSignal,
) => JsonValue | Promise<JsonValue>;

/** @param maxBytes how large the value of an expression may be */
export function compileResult(
  { expect = {}, as, result = '' }: HttpRequestOptions,
  thread: ExpressionThread,
  maxBytes: number,
): ResultOf {
  const misfit = expect.body === undefined ? undefined : bodyCheck(expect.body);
  const condition = expect.when === undefined ? undefined : expressionOf(expect.when);
  const sources: string[] = [];
  const make = compileTemplate(result, sources);
  const asked = condition === undefined ? sources : [condition, ...sources];
  const asksForJson = misfit !== undefined || asked.length > 0 || hasPointer(result);
  const bodyOf = (response: UpstreamResponse): JsonValue => {
    const body = bodyValue(response, as, asksForJson);
    const mistake = misfit?.(body);
    if (mistake !== undefined) throw new UnfitResponse(mistake, response);
    return body;
  };
  if (asked.length === 0) return (response) => make({ response, body: bodyOf(response), values: [] });
  return async (response, input, signal) => {
    const body = bodyOf(response);
    const { status, headers } = response;
    const questions = { sources: asked, body, variables: { input, status, headers }, maxLength: maxBytes };
    const asking = thread.evaluate(questions, response.body.length, signal);
    const evaluated = [...(await asking.catch((error: unknown) => failed(error, response)))];
    if (condition !== undefined) requireTrue(evaluated.shift(), response);
    const values = evaluated.map((one) => valueOf(one, response));
    return make({ response, body, values });
  };
}

function failed(error: unknown, response: UpstreamResponse): never {
  throw error instanceof ExpressionError
    ? new UnfitResponse(`an expression ${error.message}`, response)
    : error;
}

function requireTrue(evaluated: Evaluated | undefined, response: UpstreamResponse): void {
  if (!evaluated) return;
  if ('error' in evaluated) throw new UnfitResponse(`expect.when fails: ${evaluated.error}`, response);
  const { value = false } = evaluated;
  if (value === false) throw new UnfitResponse('expect.when is not true of it', response);
  if (value === true) return;
  throw new UnfitResponse(
    'expect.when gives neither true nor false; write $exists(…) or $boolean(…) around it',
    response,
  );
}

function valueOf(evaluated: Evaluated, response: UpstreamResponse): JsonValue {
  if ('error' in evaluated)
    throw new UnfitResponse(`an expression of result fails: ${evaluated.error}`, response);
  if (evaluated.value !== undefined) return evaluated.value;
  throw new UnfitResponse(
    'an expression of result gives nothing; write … ?? null if that is an answer',
    response,
  );
}
