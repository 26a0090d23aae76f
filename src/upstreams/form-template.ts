import { compile } from './body-template.js';
import type { Environment } from './template-text.js';
import { forbiddenInput, scalarOf, wellFormed } from './template-values.js';

/** The fields of a form. Each value is a scalar or a list. */
export type FormTemplate = Record<string, string | number | boolean | (string | number | boolean)[]>;

/** Compiles a template to a function that makes a form's text from an input, or to a fixed text when no input changes it. */
export function compileForm(
  template: FormTemplate,
  environment: Environment,
): string | ((input: unknown) => string) {
  const fill = compile(template, environment);
  return typeof fill === 'function' ? (input) => formText(fill(input)) : formText(fill);
}

/** @throws {SubTaskError} `upstream-forbidden` for a value that a field can't hold */
function formText(fields: unknown): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields as object))
    for (const item of [value].flat() as unknown[])
      if (item !== undefined && item !== null) form.append(name, fieldText(item, name));
  return form.toString();
}

function fieldText(item: unknown, name: string): string {
  const text = scalarOf(item)?.toString();
  if (text === undefined)
    throw forbiddenInput(
      `The field ${name} can’t hold what the input brings: only texts, numbers, booleans and flat lists of them can stand in a form`,
    );
  return wellFormed(text);
}
