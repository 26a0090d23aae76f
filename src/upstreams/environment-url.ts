import { TemplateError } from './template-error.js';
import { environmentName } from './template-text.js';
import { UrlTemplate } from './url-template.js';

const VARIABLE = /\$\{([^{}]*)\}/g;
/** A URL's scheme, host and port, or the variable that it begins with, whose value may have a path too. */
const ORIGIN = /^(?:\$\{[^{}]*\}|https?:\/\/[^/?#]*)/i;
/** Stands for a value that isn't known: it may be a host, a port, or part of a name or a path. */
const UNKNOWN = '1';

/** The environment variables of a URL. @throws {TemplateError} for a name that is none */
export function variablesOfUrl(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map(([, name = '']) => environmentName(name));
}

/** The path of a URL as it is written, without its query: with the names of variables, and none of their values. */
export function writtenPath(text: string): string {
  return text.replace(ORIGIN, '').replace(/(?:\?|\{[?&]).*$/s, '') || '/';
}

/** A URL as it is written, without its query and credentials: with the names of variables, and none of their values. */
export function writtenUrl(text: string): string {
  const origin = ORIGIN.exec(text)?.[0] ?? '';
  return origin.replace(/\/\/.*@/, '//') + writtenPath(text);
}

/** Whether the environment decides on the origin of a URL. */
export function hasVariableOrigin(text: string): boolean {
  return ORIGIN.exec(text)?.[0].includes('${') ?? false;
}

/** The origin of a URL; undefined where the environment decides on it, or where it is no URL. */
export function literalOrigin(text: string): string | undefined {
  if (hasVariableOrigin(text)) return undefined;
  return URL.parse(ORIGIN.exec(text)?.[0] ?? '')?.origin;
}

/**
 * The template that a URL makes with the values of its variables: as they are up to the path, percent-encoded behind.
 *
 * @param valueOf undefined as long as nobody knows the values: then the origin is made up where it has variables
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
