import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import type { BODY_FORMS } from './answer.schema.js';
import { charsetOf, isJson, maybeJson } from './media-type.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The value of a body.
 *
 * @param form the value of `as`
 * @param asksForJson whether the result needs JSON, so that a text is of no use
 * @throws {UnfitResponse}
 */
export function bodyValue(
  response: UpstreamResponse,
  form: (typeof BODY_FORMS)[number] | undefined,
  asksForJson: boolean,
): JsonValue {
  const type = response.headers['content-type'];
  if (form === 'base64') return response.body.toString('base64');
  if (form === 'text') return textOf(response, charsetOf(type));
  if (response.body.length === 0) return null;
  const says = isJson(type);
  // If `expect.status` accepts an error status, its body may be an error page.
  const must = says || form === 'json' || (asksForJson && response.status < 300);
  if (must && form !== 'json' && !maybeJson(type)) {
    const name = String(type).slice(0, 80);
    throw new UnfitResponse(
      `its Content-Type, ${name}, is none of JSON; write as: json if its body is JSON all the same`,
      response,
    );
  }
  const text = textOf(response, charsetOf(type));
  if (!must && !asksForJson) return text;
  try {
    return parseJson(text) as JsonValue;
  } catch {
    if (!must) return text;
    const what = says ? 'says that it is JSON and is none' : `is no JSON, which ${readerOf(form)}`;
    throw new UnfitResponse(`its body ${what}`, response);
  }
}

function readerOf(form: 'json' | undefined): string {
  return form === 'json' ? 'as: json asks for' : 'result and expect.body read';
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
