import { parseTemplate } from 'url-template';
import { callerHeader, HEADER_NAME, type CallerHeaders } from '../core/caller-headers.js';
import { TemplateError } from './template-error.js';
import { tokensOf, type Environment, type Token } from './template-text.js';
import { expanded, forbiddenInput, templateValues, type TemplateValue } from './template-values.js';

/** Names that are HTTP's own business, or would let a request speak for another. */
const RESERVED =
  /^(?:host|content-length|content-encoding|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i;

/** What the value of a header may be. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** What is wrong with the name of a header; undefined when nothing is. */
export function headerNameMistake(name: string): string | undefined {
  if (!HEADER_NAME.test(name)) return `"${name}" is no name of a header (RFC 9110)`;
  if (RESERVED.test(name)) return `${name} is set by the service itself; take it out`;
  return undefined;
}

/** What makes the value of a header of an input and the caller’s headers. */
export type HeaderValue = (input: unknown, callerHeaders: CallerHeaders) => string | undefined;

/** The value of a header: a text with `${VARIABLE}` of the environment and `{member}` of the input, and `{header.name}` of the caller. */
export class HeaderTemplate {
  private constructor(private readonly tokens: readonly Token[]) {}

  /** @throws {TemplateError} */
  static parse(text: string): HeaderTemplate {
    if (!VALUE.test(text))
      throw new TemplateError('has a line break or a character that is no ASCII; percent-encode it');
    return new HeaderTemplate(tokensOf(text, true));
  }

  /** Whether the environment or a header of the caller has a part in it. */
  get isSecret(): boolean {
    return this.tokens.some((token) => 'environment' in token || 'header' in token);
  }

  /** @returns the value, or what makes it: undefined where a variable has no value */
  compile(environment: Environment): string | HeaderValue {
    const parts = this.tokens.map((token) => {
      if ('variable' in token) return token.raw ? rawPart(token.variable) : variablePart(token.variable);
      if ('header' in token) return forwarded(token.header);
      return 'literal' in token ? token.literal : (environment[token.environment] ?? '');
    });
    if (parts.every((part) => typeof part === 'string')) return parts.join('').trim();
    return (input, callerHeaders) => {
      let value = '';
      for (const part of parts) {
        const text = typeof part === 'string' ? part : part(input, callerHeaders);
        if (text === undefined) return undefined;
        value += text;
      }
      return value.trim();
    };
  }
}

/** A header of the caller, or else a value that is always the same. @param name in lower case */
export function forwarded(name: string, otherwise?: string): HeaderValue {
  return (_input, callerHeaders) => callerHeader(callerHeaders, name) ?? otherwise;
}

function variablePart(name: string): (input: unknown) => string | undefined {
  const template = parseTemplate(`{${name}}`);
  return (input) => {
    const values: Record<string, TemplateValue> = templateValues(input, [name]);
    return name in values ? expanded(template, values) : undefined;
  };
}

/** The same without any encoding; lists are joined by commas. */
function rawPart(name: string): (input: unknown) => string | undefined {
  return (input) => {
    const value = templateValues(input, [name])[name];
    if (value === undefined) return undefined;
    const text = [Array.isArray(value) ? value : typeof value === 'object' ? Object.entries(value) : value]
      .flat(2)
      .join();
    if (VALUE.test(text)) return text;
    throw forbiddenInput(
      `The input’s ${name} has a line break or a character that is no ASCII, which no header can have; {${name}} percent-encodes it`,
    );
  };
}
