import { parseTemplate } from 'url-template';
import { TemplateError } from './template-error.js';
import { templateValues, VARIABLE, type TemplateValue } from './template-values.js';

type Token = { readonly literal: string } | { readonly environment: string } | { readonly variable: string };

const ENVIRONMENT = /^[A-Za-z_]\w*$/;

/** Names that are HTTP's own business, or would let a request speak for another. */
const RESERVED =
  /^(?:host|content-length|content-encoding|transfer-encoding|connection|keep-alive|upgrade|expect|te|trailer|proxy-.*)$/i;

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
    if (!/^[\t\x20-\x7e]*$/.test(text))
      throw new TemplateError('has a line break or a character that is no ASCII; percent-encode it');
    return new HeaderTemplate(text.split(/(\$?\{[^{}]*\})/).map(token));
  }

  /** The variables of the environment that it takes. */
  get environment(): string[] {
    return this.tokens.flatMap((token) => ('environment' in token ? [token.environment] : []));
  }

  /** @returns the value, or a function that makes it of an input, undefined where a variable has no value */
  compile(
    environment: Readonly<Record<string, string | undefined>>,
  ): string | ((input: unknown) => string | undefined) {
    const parts = this.tokens.map((token) => {
      if ('variable' in token) return variablePart(token.variable);
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

/** Why a value of the environment can't stand in a header; undefined when it can. Never says the value. */
export function environmentMistake(name: string, value: string | undefined): string | undefined {
  if (value === undefined || value === '')
    return `takes the environment variable ${name}, which is not set; set it`;
  if (!/^[\t\x20-\x7e]*$/.test(value))
    return `takes the environment variable ${name}, whose value has a line break or a character that is no ASCII`;
  return undefined;
}

function token(text: string): Token {
  if (text.startsWith('${')) {
    const environment = text.slice(2, -1);
    if (!ENVIRONMENT.test(environment))
      throw new TemplateError(`"${text}" names no environment variable; write \${API_TOKEN}, for example`);
    return { environment };
  }
  if (text.startsWith('{')) {
    const variable = text.slice(1, -1);
    if (!VARIABLE.test(variable))
      throw new TemplateError(`"${text}" names no member of the input; write {tenant}, for example`);
    return { variable };
  }
  if (/[{}]/.test(text))
    throw new TemplateError('has a brace without its counterpart; headers can’t have literal ones');
  return { literal: text };
}

function variablePart(name: string): (input: unknown) => string | undefined {
  const template = parseTemplate(`{${name}}`);
  return (input) => {
    const values: Record<string, TemplateValue> = templateValues(input, [name]);
    return name in values ? template.expand(values) : undefined;
  };
}
