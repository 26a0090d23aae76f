import { TemplateError } from './template-error.js';
import { environmentName } from './template-text.js';
import { UrlTemplate } from './url-template.js';

const VARIABLE = /\$\{([^{}]*)\}/g;
/** The origin of a URL, or the variable with which it begins. That variable's value may have a path too. */
const ORIGIN = /^(?:\$\{[^{}]*\}|https?:\/\/[^/?#]*)/i;
/** Placeholder for an unknown value. It is valid as a host, as a port, and in a name or a path. */
const UNKNOWN = '1';

/** The names of the environment variables in a URL. @throws {TemplateError} for an invalid name */
export function variablesOfUrl(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map(([, name = '']) => environmentName(name));
}

/** The path of a URL as written, without its query. It shows the names of variables, not their values. */
export function writtenPath(text: string): string {
  return text.replace(ORIGIN, '').replace(/(?:\?|\{[?&]).*$/s, '') || '/';
}

/** A URL as written, without its query and credentials. It shows the names of variables, not their values. */
export function writtenUrl(text: string): string {
  const origin = ORIGIN.exec(text)?.[0] ?? '';
  return origin.replace(/\/\/.*@/, '//') + writtenPath(text);
}

/** Whether environment variables determine the origin of a URL. */
export function hasVariableOrigin(text: string): boolean {
  return ORIGIN.exec(text)?.[0].includes('${') ?? false;
}

/** The origin of a URL; undefined when environment variables determine it, or when the text is no URL. */
export function literalOrigin(text: string): string | undefined {
  if (hasVariableOrigin(text)) return undefined;
  return URL.parse(ORIGIN.exec(text)?.[0] ?? '')?.origin;
}

/**
 * Parses a URL into a template, with the values of its variables. Values are inserted unchanged up to the path, and percent-encoded after
 * that.
 *
 * @param valueOf undefined while the values are unknown; placeholders then stand for variables in the origin
 * @throws {TemplateError}
 */
export function urlTemplate(text: string, valueOf?: (name: string) => string): UrlTemplate {
  variablesOfUrl(text);
  const origin = ORIGIN.exec(text)?.[0] ?? '';
  const rest = text.slice(origin.length);
  const unknown = origin.startsWith('$') ? `http://${UNKNOWN}` : UNKNOWN;
  let made = origin.replace(VARIABLE, (_all, name: string) => valueOf?.(name) ?? unknown);
  if (made.includes('{') && hasVariableOrigin(text) && valueOf)
    throw new TemplateError('has a brace in the value of a variable');
  if (rest.startsWith('/') && origin.startsWith('$')) made = made.replace(/\/+$/, '');
  const path = rest.replace(VARIABLE, (_all, name: string) => encodeURIComponent(valueOf?.(name) ?? UNKNOWN));
  return UrlTemplate.parse(made + path);
}
