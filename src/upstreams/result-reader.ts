import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { stepsOf, valueAt } from '../core/json-pointer.js';
import { compileBodySchema } from './body-schema.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import { charsetOf, isJson, maybeJson } from './media-type.js';
import { UnfitResponse, type UpstreamResponse } from './response-reader.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Makes the result of a response that was accepted by its status. @throws {UnfitResponse} */
export function compileResult({
  expect,
  result,
}: HttpRequestOptions): (response: UpstreamResponse) => JsonValue {
  const mistake = expect?.body === undefined ? undefined : compileBodySchema(expect.body);
  const steps = result === undefined ? undefined : stepsOf(result);
  const asksForJson = mistake !== undefined || steps !== undefined;
  return (response) => {
    const body = valueOf(response, asksForJson);
    const wrong = mistake?.(body);
    if (wrong !== undefined) throw new UnfitResponse(wrong, response);
    if (!steps) return body;
    const found = valueAt(body, steps);
    if (found === undefined) throw new UnfitResponse(`its body has nothing at ${String(result)}`, response);
    return found;
  };
}

/** @param asksForJson whether a text would be of no use */
function valueOf(response: UpstreamResponse, asksForJson: boolean): JsonValue {
  if (response.body.length === 0) return null;
  const type = response.headers['content-type'];
  if (asksForJson && !maybeJson(type))
    throw new UnfitResponse(`its Content-Type, ${String(type).slice(0, 80)}, is none of JSON`, response);
  const text = textOf(response, charsetOf(type));
  if (!asksForJson && !isJson(type)) return text;
  try {
    return parseJson(text) as JsonValue;
  } catch {
    const what = isJson(type)
      ? 'says that it is JSON and is none'
      : 'is no JSON, which result and expect.body read';
    throw new UnfitResponse(`its body ${what}`, response);
  }
}

function textOf(response: UpstreamResponse, charset: string): string {
  try {
    return (/^utf-?8$/i.test(charset) ? utf8 : new TextDecoder(charset, { fatal: true })).decode(
      response.body,
    );
  } catch {
    throw new UnfitResponse(`its body is no text in ${JSON.stringify(charset.slice(0, 40))}`, response);
  }
}
