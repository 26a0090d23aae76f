import { z } from 'zod';
import { nearest } from '../core/nearest.js';

const NAMES: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'members',
  record: 'members',
};

/**
 * Explains a wrong value in a tasks file, for the author of the file. Never shows the value, because it may be secret. Each of several
 * unknown members has a line of its own.
 */
export function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => `is not known here; ${hint(key, membersOf(issue.inst))}`).join('\n');
    case 'invalid_type':
      if (issue.input === undefined)
        return `is missing${exampleOf(issue.inst, '; it takes something like ')}`;
      return `takes ${NAMES[issue.expected] ?? issue.expected}${exampleOf(issue.inst)}, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `takes ${listed(issue.values)}`;
    case 'invalid_union':
      if (issue.discriminator === undefined) return undefined;
      return [
        ...(memberOf(issue.input, issue.discriminator) === undefined ? ['is missing; it '] : []),
        `takes ${listed(choicesOf(issue.inst, issue.discriminator))}`,
      ].join('');
    case 'too_small':
      return `takes at least ${String(issue.minimum)}${countedOf(issue.origin)}`;
    case 'too_big':
      return `takes at most ${String(issue.maximum)}${countedOf(issue.origin)}`;
    default:
      return undefined;
  }
}

/** The name that was probably meant, or else all valid names. */
export function hint(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  if (near !== undefined) return `is ${near} meant?`;
  return names.length > 0 ? `there are ${names.join(', ')}` : 'there are none';
}

function membersOf(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** The values of the member that selects among several kinds of object. */
function choicesOf(schema: unknown, discriminator: string): unknown[] {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return [];
  return (schema.options as readonly unknown[]).flatMap((option) => {
    const member =
      option instanceof z.ZodObject ? (option.shape as z.core.$ZodShape)[discriminator] : undefined;
    return member instanceof z.ZodLiteral ? [...member.values] : [];
  });
}

function memberOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[name];
}

function exampleOf(schema: unknown, before = ' such as '): string {
  const example: unknown = schema instanceof z.ZodType ? examplesOf(schema.meta())?.[0] : undefined;
  return example === undefined ? '' : before + JSON.stringify(example);
}

function examplesOf(meta: unknown): readonly unknown[] | undefined {
  return (meta as { readonly examples?: readonly unknown[] } | undefined)?.examples;
}

function listed(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return [texts.slice(0, -1).join(', '), ...texts.slice(-1)].filter((text) => text !== '').join(' or ');
}

function countedOf(origin: string): string {
  const counted: Partial<Record<string, string>> = {
    string: ' characters',
    array: ' of them',
    set: ' of them',
  };
  return counted[origin] ?? '';
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'members';
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction';
  return typeof value === 'boolean' ? 'true or false' : (NAMES[typeof value] ?? typeof value);
}
