import type { JsonValue } from '../core/json.js';
import { member } from './template-values.js';

/** What a template makes of an input; undefined is left out of objects, and null in lists. */
type Fill = (input: unknown) => unknown;

const EXACTLY_ONE = /^\{(\w+)\}$/;
const ANY = /\{(\w+)\}/g;

/** The JSON text of a body that a template makes of an input; a text where no input changes it. */
export function compileBody(template: JsonValue): string | ((input: unknown) => string) {
  const fill = compile(template);
  if (!fill) return JSON.stringify(template);
  return (input) => JSON.stringify(fill(input) ?? null);
}

/** @returns undefined for what no input changes */
function compile(template: JsonValue): Fill | undefined {
  if (typeof template === 'string') return compileText(template);
  if (typeof template !== 'object' || template === null) return undefined;
  const compiled = Object.entries(template).map(
    ([key, value]: [string, JsonValue]) => [key, value, compile(value)] as const,
  );
  if (compiled.every(([, , fill]) => fill === undefined)) return undefined;
  const entries = compiled.map(([key, value, fill]) => [key, fill ?? (() => value)] as const);
  if (Array.isArray(template)) return (input) => entries.map(([, fill]) => fill(input) ?? null);
  return (input) => Object.fromEntries(entries.map(([key, fill]) => [key, fill(input)]));
}

function compileText(text: string): Fill | undefined {
  const [, name] = EXACTLY_ONE.exec(text) ?? [];
  if (name !== undefined) return (input) => member(input, name);
  if (text.search(ANY) < 0) return undefined;
  return (input) => text.replace(ANY, (_all, name: string) => textOf(member(input, name)));
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
