import { get, type Json } from '@hyperjump/json-pointer';
import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import { compileBodySchema } from './body-schema.js';
import type { HttpRequestOptions } from './http-sub-task.schema.js';
import { charsetOf, isJson } from './media-type.js';
import { UnfitResponse, type UpstreamResponse } from './response-reader.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Makes the result of a response that was accepted by its status. @throws {UnfitResponse} */
export function compileResult({
  expect,
  result,
}: HttpRequestOptions): (response: UpstreamResponse) => JsonValue {
  const mistake = expect?.body === undefined ? undefined : compileBodySchema(expect.body);
  const point = result === undefined ? undefined : get(result);
  return (response) => {
    const body = valueOf(response);
    const wrong = mistake?.(body);
    if (wrong !== undefined) throw new UnfitResponse(wrong, response);
    if (!point) return body;
    const found = pointed(() => point(body as Json));
    if (found === undefined) throw new UnfitResponse(`its body has nothing at ${String(result)}`, response);
    return found;
  };
}

function valueOf(response: UpstreamResponse): JsonValue {
  if (response.body.length === 0) return null;
  const type = response.headers['content-type'];
  const text = textOf(response, charsetOf(type));
  if (!isJson(type)) return text;
  try {
    return parseJson(text) as JsonValue;
  } catch {
    throw new UnfitResponse('its body says that it is JSON and is none', response);
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

/** Of own members alone. The library throws where the pointer leads through what is neither object nor list. */
function pointed(find: () => Json | undefined): JsonValue | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}
