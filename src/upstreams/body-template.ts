import type { JsonValue } from '../core/json.js';
import { tokensOf, type Environment } from './template-text.js';
import { member, wellFormed } from './template-values.js';

/** Fills a template with an input. A member that is undefined is left out of objects; in lists it becomes null. */
type Fill = (input: unknown) => unknown;

/** Compiles a template to a function that makes a body's JSON text from an input, or to a fixed text when no input changes it. */
export function compileBody(
  template: JsonValue,
  environment: Environment,
): string | ((input: unknown) => string) {
  const fill = compile(template, environment);
  if (typeof fill !== 'function') return JSON.stringify(fill);
  return (input) => JSON.stringify(fill(input) ?? null);
}

/** Like {@link compileBody}, for a body of plain text. */
export function compileTextBody(
  template: string,
  environment: Environment,
): string | ((input: unknown) => string) {
  const fill = compileText(template, environment);
  return typeof fill === 'function' ? (input) => wellFormed(textOf(fill(input))) : fill;
}

/** @returns the value itself when no input changes it */
export function compile(template: JsonValue, environment: Environment): JsonValue | Fill {
  if (typeof template === 'string') return compileText(template, environment);
  if (typeof template !== 'object' || template === null) return template;
  const entries = Object.entries(template).map(
    ([key, value]: [string, JsonValue]) => [key, compile(value, environment)] as const,
  );
  const isList = Array.isArray(template);
  if (entries.every((entry): entry is [string, JsonValue] => typeof entry[1] !== 'function'))
    return isList ? entries.map(([, value]) => value) : Object.fromEntries(entries);
  const fills = entries.map(([key, fill]) => [key, typeof fill === 'function' ? fill : () => fill] as const);
  if (isList) return (input) => fills.map(([, fill]) => fill(input) ?? null);
  return (input) => Object.fromEntries(fills.map(([key, fill]) => [key, fill(input)]));
}

function compileText(text: string, environment: Environment): string | Fill {
  const parts = tokensOf(text).map((token) => {
    if ('variable' in token) return (input: unknown) => member(input, token.variable);
    if ('literal' in token) return token.literal;
    return 'environment' in token ? (environment[token.environment] ?? '') : '';
  });
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'function') return only;
  if (parts.every((part) => typeof part === 'string')) return parts.join('');
  return (input) => parts.map((part) => (typeof part === 'string' ? part : textOf(part(input)))).join('');
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The texts in a body, with the path to each. */
export function textsOf(
  value: JsonValue,
  path: readonly PropertyKey[],
): (readonly [readonly PropertyKey[], string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  const isList = Array.isArray(value);
  return Object.entries(value).flatMap(([key, child]: [string, JsonValue]) =>
    textsOf(child, [...path, isList ? Number(key) : key]),
  );
}
