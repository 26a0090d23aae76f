import { TemplateError } from './template-error.js';

/** A part of a text: literal text, an environment variable, a member of the input (not encoded if `raw`), or a header of the caller. */
export type Token =
  | { readonly literal: string }
  | { readonly environment: string }
  | { readonly variable: string; readonly raw?: true }
  | { readonly header: string };

export type Environment = Readonly<Record<string, string | undefined>>;

/** The name of a variable of the environment. */
const ENVIRONMENT = /^[A-Za-z_]\w*$/;

/** The name of a member of the input. */
const VARIABLE = /^\w+$/;

/** The name of a header of the caller, after its prefix. */
const CALLER_HEADER = /^header\.([!#$%&'*+.^`|~\w-]+)$/;

const TOKEN = /\{\{|\}\}|\$?\{([^{}]*)\}|[{}]/g;

/**
 * Splits a header, or a text in a body, into its parts: `${NAME}`, `{member}`, and `{{` and `}}` for braces. Headers may also have
 * `{+member}` and `{header.name}`.
 *
 * @throws {TemplateError}
 */
export function tokensOf(text: string, inHeader = false): Token[] {
  const tokens: Token[] = [];
  let literal = '';
  let at = 0;
  for (const { 0: found, 1: name, index } of text.matchAll(TOKEN)) {
    literal += text.slice(at, index);
    at = index + found.length;
    if (found === '{{' || found === '}}') {
      literal += found.charAt(0);
      continue;
    }
    if (literal !== '') tokens.push({ literal });
    literal = '';
    tokens.push(tokenOf(found, name, inHeader));
  }
  literal += text.slice(at);
  if (literal !== '') tokens.push({ literal });
  return tokens;
}

function tokenOf(found: string, name: string | undefined, inHeader: boolean): Token {
  if (name === undefined)
    throw new TemplateError(
      `has a "${found}" that is part of no variable; {name} is a member of the input, and "{{" and "}}" are literal braces`,
    );
  if (found.startsWith('$')) return { environment: environmentName(name) };
  if (name.startsWith('+') && VARIABLE.test(name.slice(1))) {
    if (inHeader) return { variable: name.slice(1), raw: true };
    throw new TemplateError(`has ${found}, but nothing is encoded here; write {${name.slice(1)}}`);
  }
  const [, header] = CALLER_HEADER.exec(name) ?? [];
  if (header !== undefined) {
    if (inHeader) return { header: header.toLowerCase() };
    throw new TemplateError(`has ${found}, but headers of the caller are taken in headers alone`);
  }
  if (!VARIABLE.test(name))
    throw new TemplateError(
      `"${found}" names no member of the input; write {tenant}, for example, or {${found}} for literal braces`,
    );
  return { variable: name };
}

/** @throws {TemplateError} */
export function environmentName(name: string): string {
  if (ENVIRONMENT.test(name)) return name;
  throw new TemplateError(`"\${${name}}" names no environment variable; write \${API_TOKEN}, for example`);
}
