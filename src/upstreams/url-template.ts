import { parseTemplate } from 'url-template';
import { TemplateError } from './template-error.js';
import { expanded, forbiddenInput, templateValues, type TemplateValue } from './template-values.js';

/** A part of the path or query: fixed text, or a function of the input's values. */
type Part = string | ((values: Record<string, TemplateValue>) => string);

const ORIGIN = /^(https?):\/\/([^/?#{}\\@\s]+)(?=\/|$)/i;
const EXPRESSION = /\{([^{}]*)\}/g;
const VARIABLES = /^[+./;?&]?\w+(?::[1-9]\d{0,3}|\*)?(?:,\w+(?::[1-9]\d{0,3}|\*)?)*$/;

/** A variable with a prefix length (`{name:3}`). */
const PREFIX = /(?<=\{[^{}]*)\b(\w+):(\d+)/g;

/** The beginning of the query: a literal `?`, or an expression that writes one. */
const QUERY = /\?|\{[?&]/;

/**
 * The URL of a sub-task: a literal origin, followed by an RFC 6570 template over the input. The input can change neither the origin nor
 * the shape of the path. A value in a path segment is percent-encoded. A segment that would be empty or a dot segment, in any encoding,
 * is refused, because servers decode before they resolve the path. `{+name}` may add segments, but "?", "#" and "&" in it are encoded
 * too.
 */
export class UrlTemplate {
  readonly #path: readonly Part[];
  readonly #query: Part;

  private constructor(
    /** Scheme, host and port, as the WHATWG URL standard writes them. */
    readonly origin: string,
    /** The host in the form for a lookup: an IPv6 address has no brackets. */
    readonly hostname: string,
    readonly variables: readonly string[],
    template: string,
  ) {
    const at = template.search(QUERY);
    const path = at < 0 ? template : template.slice(0, at);
    this.#path = path
      .split(/(?<!\{)\//)
      .slice(1)
      .map(segment);
    this.#query = at < 0 ? '' : part(template.slice(at));
  }

  /** @throws {TemplateError} */
  static parse(text: string): UrlTemplate {
    const [whole, scheme = '', authority = ''] = ORIGIN.exec(text) ?? [];
    if (whole === undefined) throw new TemplateError(originMistake(text));
    if (authority.endsWith(':'))
      throw new TemplateError(`"${authority}" has no port behind its ":"; a Unix socket can’t be called`);
    const url = URL.parse(`${scheme}://${authority}`);
    if (!url) throw new TemplateError(`"${authority}" is no host, or its port is none; mend it`);
    const template = text.slice(whole.length) || '/';
    checkLiterals(template);
    const variables = expressionsOf(template).flatMap(checkExpression);
    return new UrlTemplate(url.origin, url.hostname.replace(/^\[|\]$/g, ''), variables, template);
  }

  /** The path and query that an input makes. @throws {SubTaskError} `upstream-forbidden` */
  target(input: unknown): string {
    const values = templateValues(input, this.variables);
    let path = '';
    for (const part of this.#path) path += `/${typeof part === 'string' ? part : part(values)}`;
    const query = typeof this.#query === 'string' ? this.#query : this.#query(values);
    // A query with neither a name nor a value, such as {"": ""} for {?all*}, is left out.
    return query === '?' ? path : path + query;
  }
}

/** An expression that encodes fewer characters than others. */
const RAW = /(\{\+[^{}]*\})/;

function part(text: string): Part {
  if (RAW.test(text)) return joined(text.split(RAW).filter((piece) => piece !== ''));
  return pieceOf(text);
}

/** The value of `{+name}` stays within its path or query parameter, like that of other expressions. */
function joined(pieces: readonly string[]): Part {
  const parts = pieces.map((piece) => {
    const made = pieceOf(piece);
    if (typeof made === 'string' || !RAW.test(piece)) return made;
    return (values: Record<string, TemplateValue>) => made(values).replace(/[?#&]/g, encodeURIComponent);
  });
  return (values) => parts.map((made) => (typeof made === 'string' ? made : made(values))).join('');
}

function pieceOf(text: string): Part {
  const template = parseTemplate(text);
  if (!text.includes('{')) return template.expand({});
  if (text.search(PREFIX) < 0) return (values) => expanded(template, values);
  return (values) => {
    const inUnits = withPrefixesInUnits(text, values);
    return expanded(inUnits === text ? template : parseTemplate(inUnits), values);
  };
}

/** RFC 6570 counts the characters of a prefix, the library counts UTF-16 units, of which some characters have two. */
function withPrefixesInUnits(text: string, values: Record<string, TemplateValue>): string {
  return text.replace(PREFIX, (all, name: string, length: string) => {
    const value = values[name];
    if (typeof value !== 'string') return all;
    let units = 0;
    for (let characters = 0; characters < Number(length) && units < value.length; characters += 1)
      units += (value.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
    return `${name}:${Math.max(units, Number(length))}`;
  });
}

/** A segment of the path. With the operator `/` it becomes several. */
function segment(text: string): Part {
  const made = part(text);
  if (typeof made === 'string') {
    if (hasDots(made)) throw new TemplateError('the path has a dot segment ("." or ".."); write it without');
    return made;
  }
  if (text.startsWith('{/'))
    throw new TemplateError(`${text} writes its own "/": write it right after the segment before it`);
  return (values) => {
    const expanded = made(values);
    if (expanded.split('/').includes(''))
      throw forbiddenInput(`The input leaves a segment of the URL’s path empty: ${text}`);
    if (hasDots(expanded))
      throw forbiddenInput(`The input makes a dot segment ("." or "..") of the URL’s ${text}`);
    return expanded;
  };
}

/** Whether a server that decodes the text, once or repeatedly, could get `.` or `..` between slashes. */
function hasDots(encoded: string): boolean {
  if (!encoded.includes('.') && !encoded.includes('%')) return false;
  return encoded
    .replace(/%(?:25)+/g, '%')
    .replace(/%2e/gi, '.')
    .split(/\/|%2f|%5c/i)
    .some((step) => /^\.\.?(?:[;%]|$)/.test(step));
}

function originMistake(text: string): string {
  if (!/^https?:\/\//i.test(text)) return 'begins with http:// or https://';
  const authority = text.replace(/^https?:\/\//i, '').replace(/[/?#].*$/s, '');
  if (authority.includes('@'))
    return 'has a user or password; send them in a header, Authorization: Basic ${CREDENTIALS}';
  if (authority.includes('{'))
    return 'has an expression in its origin; scheme, host and port are literal, and "/" follows them';
  return 'takes a host, then "/" and the rest of the URL';
}

function checkLiterals(template: string): void {
  const literals = template.replace(EXPRESSION, '');
  if (/[{}]/.test(literals))
    throw new TemplateError('has a brace without its counterpart; "%7B" and "%7D" are literal braces');
  if (literals.includes('#'))
    throw new TemplateError('has a fragment ("#…"), which is never sent; take it out');
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\\\s\u0000-\u001f\u007f]/.test(literals))
    throw new TemplateError('has a backslash, a space or a control character; percent-encode it');
  if (/^[^?]*\{&/.test(template.replaceAll('{?', '?')))
    throw new TemplateError('begins its query with {&…}; write {?…}');
}

function expressionsOf(template: string): string[] {
  return [...template.matchAll(EXPRESSION)].map(([, expression = '']) => expression);
}

/** The variables of an expression. @throws {TemplateError} */
function checkExpression(expression: string): string[] {
  if (expression.startsWith('#'))
    throw new TemplateError(
      `{${expression}} would write a fragment ("#…"), which is never sent; write {${expression.slice(1)}}`,
    );
  if (!VARIABLES.test(expression))
    throw new TemplateError(
      `{${expression}} is no expression of RFC 6570 over members of the input, whose names are letters, digits and "_": {id}, {id:3}, {?page,size}, {/path*}`,
    );
  return expression
    .replace(/^[+./;?&]/, '')
    .split(',')
    .map((variable) => variable.replace(/[:*].*$/, ''));
}
