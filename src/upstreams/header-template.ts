import { parseTemplate } from 'url-template';
import { callerHeader, HEADER_NAME, type CallerHeaders } from '../core/caller-headers.js';
import { TemplateError } from './template-error.js';
import { tokensOf, type Environment, type Token } from './template-text.js';
import { expanded, forbiddenInput, templateValues, type TemplateValue } from './template-values.js';

/** Headers that belong to HTTP itself, or with which a request could pose as somebody else's. */
const RESERVED =
  /^(?:host|content-length|content-encoding|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i;

/** The characters that a header's value may have. */
const VALUE = /^[\t\x20-\x7e]*$/;

/** Why a header's name is refused; undefined for a valid one. */
export function headerNameMistake(name: string): string | undefined {
  if (!HEADER_NAME.test(name)) return `"${name}" is no name of a header (RFC 9110)`;
  if (RESERVED.test(name)) return `${name} is set by the service itself; take it out`;
  return undefined;
}

/** Makes a header's value from an input and the caller’s headers. */
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

  /** Whether a part comes from the environment or from a header of the caller. */
  get isSecret(): boolean {
    return this.tokens.some((token) => 'environment' in token || 'header' in token);
  }

  /** @returns a fixed value, or a function that makes it; the function returns undefined when a variable has no value */
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

/** The value of a caller's header, or else a fixed value. @param name in lower case */
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

/** Like {@link variablePart}, but without encoding, and with lists joined by commas. */
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
