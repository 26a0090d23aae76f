import type { parseTemplate } from 'url-template';
import { SubTaskError } from '../core/sub-task-error.js';

type Scalar = string | number | boolean;

/** The values that a variable of a URL or header template can have: RFC 6570 has values, lists, and lists of pairs. */
export type TemplateValue = Scalar | Scalar[] | Record<string, Scalar>;

/** The error for an input that can't or must not make a request. It is final: no other attempt would succeed. */
export function forbiddenInput(message: string): SubTaskError {
  return new SubTaskError(message, { code: 'upstream-forbidden', retry: false });
}

function illFormed(): SubTaskError {
  return forbiddenInput('A text of the input is no well-formed Unicode');
}

/** Checks that a text can be encoded. @throws {SubTaskError} `upstream-forbidden` for half of a surrogate pair */
export function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw illFormed();
}

/** The own member of an input object with that name; undefined without one. */
export function member(input: unknown, name: string): unknown {
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, name)) return undefined;
  return (input as Record<string, unknown>)[name];
}

/**
 * Expands a template, with values percent-encoded.
 *
 * @throws {SubTaskError} `upstream-forbidden` for half of a surrogate pair, which has no encoding
 */
export function expanded(
  template: ReturnType<typeof parseTemplate>,
  values: Record<string, TemplateValue>,
): string {
  try {
    return template.expand(values);
  } catch (error) {
    if (error instanceof URIError) throw illFormed();
    throw error;
  }
}

/**
 * The values of some variables, in an object without a prototype. Null and empty values count as undefined (RFC 6570, 2.3).
 *
 * @throws {SubTaskError} `upstream-forbidden`
 */
export function templateValues(input: unknown, names: readonly string[]): Record<string, TemplateValue> {
  const values = Object.create(null) as Record<string, TemplateValue>;
  for (const name of names) {
    const value = member(input, name);
    if (value === undefined || value === null) continue;
    const made = templateValue(value, name);
    if (typeof made !== 'object' || Object.keys(made).length > 0) values[name] = made;
  }
  return values;
}

function templateValue(value: unknown, name: string): TemplateValue {
  const scalar = scalarOf(value);
  if (scalar !== undefined) return scalar;
  if (typeof value === 'object' && value !== null) {
    const present = Object.entries(value).filter(([, item]) => item !== null && item !== undefined);
    const scalars = present.flatMap(([key, item]: [string, unknown]) => {
      const one = scalarOf(item);
      return one === undefined ? [] : [[key, one] as const];
    });
    if (scalars.length === present.length)
      return Array.isArray(value) ? scalars.map(([, item]) => item) : Object.fromEntries(scalars);
  }
  throw forbiddenInput(
    `The input’s ${name} can’t stand in a URL or header: only texts, numbers, booleans and flat lists of them can`,
  );
}

/** The value as a scalar that can stand in a URL, header or form; undefined if it can’t. */
export function scalarOf(value: unknown): Scalar | undefined {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}
