type Header = string | string[] | undefined;

const JSON_TYPE = /^\s*[\w.!#$&^-]+\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;
const MAYBE_JSON_TYPE = /^\s*(?:text\/|application\/octet-stream\s*(?:;|$))/i;
const TEXT_TYPE = /^\s*text\//i;
const MAYBE_EVENTS_TYPE = /^\s*(?:text\/(?:event-stream|plain)|application\/octet-stream)\s*(?:;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([\w.:-]+)/i;

/** Whether a `Content-Type` says that a body is JSON. */
export function isJson(contentType: Header): boolean {
  return JSON_TYPE.test(typeOf(contentType) ?? '');
}

/** Whether a `Content-Type` says that a body is a form. */
export function isForm(contentType: Header): boolean {
  return /^\s*application\/x-www-form-urlencoded\s*(?:;|$)/i.test(typeOf(contentType) ?? '');
}

/** Whether a `Content-Type` says that a body is a text. */
export function isText(contentType: Header): boolean {
  return TEXT_TYPE.test(typeOf(contentType) ?? '');
}

/** Whether a body may be an event stream, even if its `Content-Type` doesn't say so: see {@link maybeJson}. */
export function maybeEventStream(contentType: Header): boolean {
  return contentType === undefined || MAYBE_EVENTS_TYPE.test(typeOf(contentType) ?? '');
}

/** Whether a body may be JSON even if its `Content-Type` doesn't say so: servers often declare text, bytes, or nothing. */
export function maybeJson(contentType: Header): boolean {
  return contentType === undefined || isJson(contentType) || MAYBE_JSON_TYPE.test(typeOf(contentType) ?? '');
}

/** The charset that a `Content-Type` names, UTF-8 where it names none. */
export function charsetOf(contentType: Header): string {
  return CHARSET.exec(typeOf(contentType) ?? '')?.[1] ?? 'utf-8';
}

/** The `Content-Type` of several header lines. Equal lines count as one; if they differ, none counts. */
function typeOf(contentType: Header): string | undefined {
  if (typeof contentType === 'string' && !contentType.includes(',')) return contentType;
  const lines = [contentType].flat().flatMap((line = '') => line.split(/,(?=\s*[\w.!#$&^-]+\/)/));
  const different = new Set(lines.map((line) => line.trim().toLowerCase()));
  return different.size === 1 ? lines[0] : undefined;
}
