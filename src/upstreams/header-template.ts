import { parseTemplate } from 'url-template';
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
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return `"${name}" is no name of a header (RFC 9110)`;
  if (RESERVED.test(name)) return `${name} is set by the service itself; take it out`;
  return undefined;
}

/** The value of a header: a text with `${VARIABLE}` of the environment and `{member}` of the input. */
export class HeaderTemplate {
  private constructor(private readonly tokens: readonly Token[]) {}

  /** @throws {TemplateError} */
  static parse(text: string): HeaderTemplate {
    if (!VALUE.test(text))
      throw new TemplateError('has a line break or a character that is no ASCII; percent-encode it');
    return new HeaderTemplate(tokensOf(text, true));
  }

  /** Whether the environment has a part in it. */
  get isSecret(): boolean {
    return this.tokens.some((token) => 'environment' in token);
  }

  /** @returns the value, or a function that makes it of an input, undefined where a variable has no value */
  compile(environment: Environment): string | ((input: unknown) => string | undefined) {
    const parts = this.tokens.map((token) => {
      if ('variable' in token) return token.raw ? rawPart(token.variable) : variablePart(token.variable);
      return 'literal' in token ? token.literal : (environment[token.environment] ?? '');
    });
    if (parts.every((part) => typeof part === 'string')) return parts.join('').trim();
    return (input) => {
      let value = '';
      for (const part of parts) {
        const text = typeof part === 'string' ? part : part(input);
        if (text === undefined) return undefined;
        value += text;
      }
      return value.trim();
    };
  }
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
