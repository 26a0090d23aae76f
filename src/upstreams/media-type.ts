type Header = string | string[] | undefined;

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.!#$&^-]+\+)?json\s*(?:;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([\w.:-]+)/i;

/** Whether a `Content-Type` says that a body is JSON. */
export function isJson(contentType: Header): boolean {
  return typeof contentType === 'string' && JSON_TYPE.test(contentType);
}

/** The charset that a `Content-Type` names, UTF-8 where it names none. */
export function charsetOf(contentType: Header): string {
  return (typeof contentType === 'string' ? CHARSET.exec(contentType)?.[1] : undefined) ?? 'utf-8';
}
