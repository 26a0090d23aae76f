import { createRequire } from 'node:module';
import type jsonata from 'jsonata';
import { nearest } from '../core/nearest.js';

/** Variables of an expression over an answer. The body of the answer is its context. */
const ANSWER_VARIABLES = ['input', 'status', 'headers'];

/** The functions that expressions may call: all of JSONata but `$eval`, which would take a text of an upstream for an expression. */
export const FUNCTIONS =
  'abs append assert average base64decode base64encode boolean ceil clone contains count decodeUrl decodeUrlComponent distinct each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber fromMillis join keys length lookup lowercase map match max merge millis min not now number pad parseInteger power random reduce replace reverse round shuffle sift single sort split spread sqrt string substring substringAfter substringBefore sum toMillis trim type uppercase zip'.split(
    ' ',
  );

const FORM = /^\s*\{%([^]*)%\}\s*$/;

const require = createRequire(import.meta.url);

/** The JSONata in `{% … %}`; undefined for any other text. */
export function expressionOf(text: string): string | undefined {
  return FORM.exec(text)?.[1];
}

/**
 * The mistake in an expression: its syntax or an unknown name; undefined when there is none.
 *
 * @param variables names that the expression may use besides its context
 */
export function expressionMistake(source: string, variables = ANSWER_VARIABLES): string | undefined {
  let tree: jsonata.ExprNode;
  try {
    // Loaded here, and only for files that use expressions.
    tree = (require('jsonata') as typeof jsonata)(source).ast();
  } catch (error) {
    const { message, position } = error as jsonata.JsonataError;
    return `is no JSONata: ${message}${position > 0 ? `, at character ${position} of the expression` : ''}`;
  }
  const names = new Names(variables);
  names.read(tree);
  return names.mistake;
}

/** The variables that an expression uses, and those that it sets. */
class Names {
  private readonly used = new Set<string>();
  private readonly set: Set<string>;
  private inexact: number | undefined;

  constructor(private readonly variables: readonly string[]) {
    this.set = new Set([...variables, ...FUNCTIONS, '', '$']);
  }

  read(node: unknown): void {
    if (typeof node !== 'object' || node === null) return;
    const { type, value, lhs, focus, index, arguments: parameters } = node as Record<string, unknown>;
    if (type === 'variable') this.used.add(value as string);
    else if (type === 'bind') this.add(lhs);
    else if (type === 'lambda') for (const parameter of parameters as unknown[]) this.add(parameter);
    else if (type === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
      this.inexact ??= value as number;
    for (const name of [focus, index]) if (typeof name === 'string') this.set.add(name);
    for (const child of Object.values(node)) this.read(child);
  }

  get mistake(): string | undefined {
    if (this.inexact !== undefined)
      return `has the number ${this.inexact}, which is past 2^53 - 1 and loses digits; compare texts: $string(id) = "…"`;
    const unknown = [...this.used].find((name) => !this.set.has(name));
    if (unknown === undefined) return undefined;
    if (unknown === 'eval') return 'calls $eval, which is not taken; write the expression itself';
    const near = nearest(unknown, [...this.set]);
    const there =
      this.variables.length > 0 ? `$${this.variables.join(', $')} and functions` : 'functions alone';
    const meant = near ? `is $${near} meant?` : `there are ${there}`;
    return `has $${unknown}, which nothing sets; ${meant}`;
  }

  private add(variable: unknown): void {
    this.set.add((variable as { readonly value: string }).value);
  }
}
