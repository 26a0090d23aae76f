import { stringify } from 'safe-stable-stringify';
import { z } from 'zod';
import { valueAt } from './json-pointer.js';
import type { JsonValue } from './json.js';
import type { Labels } from './labels.js';

/** The parts of a request from which a key is made. */
export interface Keyed {
  readonly input: JsonValue;
  readonly labels: Labels | undefined;
  readonly client: string | undefined;
}

const TOKEN = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

const FORM =
  'a template names {input.tenant}, {input}, {labels.tenant} or {client}, and "{{" and "}}" are literal braces';

/**
 * Makes the same key for requests that belong together. A template names `{input.customer.id}`, `{labels.tenant}`, `{client}`, or several of
 * these. Different values never make the same key, whatever text stands between the names.
 */
export class KeyTemplate {
  private constructor(
    readonly text: string,
    /** The places in the input that the template names, each as a list of steps. */
    readonly inputs: readonly (readonly string[])[],
    private readonly parts: readonly ((keyed: Keyed) => JsonValue | undefined)[],
  ) {}

  /** @throws {Error} that says what is wrong with the template */
  static parse(text: string): KeyTemplate {
    const parts: ((keyed: Keyed) => JsonValue | undefined)[] = [];
    const inputs: (readonly string[])[] = [];
    for (const { 0: found, 1: name } of text.matchAll(TOKEN)) {
      if (found === '{{' || found === '}}') continue;
      if (name === undefined) throw new Error(`has a "${found}" that is part of no name; ${FORM}`);
      parts.push(partOf(name));
      const [scope, ...members] = name.split('.');
      if (scope === 'input') inputs.push(members);
    }
    if (parts.length === 0)
      throw new Error(`names nothing, so all requests would have the same key; ${FORM}`);
    return new KeyTemplate(text, inputs, parts);
  }

  /** The top-level members of the input that the template names. */
  get members(): ReadonlySet<string> {
    return new Set(this.inputs.flatMap(([member]) => member ?? []));
  }

  /** The key of a request: JSON of the named values. Undefined where the request lacks one of them. */
  of(keyed: Keyed): string | undefined {
    const values: JsonValue[] = [];
    for (const part of this.parts) {
      const value = part(keyed);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return stringify(values);
  }
}

function partOf(name: string): (keyed: Keyed) => JsonValue | undefined {
  const [scope = '', ...members] = name.split('.');
  if (!members.includes('')) {
    if (scope === 'input') return ({ input }) => valueAt(input, members);
    if (scope === 'labels' && members.length > 0) return ({ labels }) => valueAt(labels, [members.join('.')]);
    if (scope === 'client' && members.length === 0) return ({ client }) => client;
  }
  throw new Error(`has {${name}}, which is nothing of a request; ${FORM}`);
}

export const keyTemplateSchema = z
  .string()
  .max(1_000)
  .superRefine((text, context) => {
    try {
      KeyTemplate.parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });
