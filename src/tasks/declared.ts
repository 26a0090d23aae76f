import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ZodError } from 'zod';
import { NAME, NAME_FORM } from '../core/name.js';
import { textOf } from '../core/thrown.js';
import { isStandardSchema } from './standard-schema.js';

/** A task can't be run as it is declared. The message names the classes and the fix. */
export class TaskDeclarationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TaskDeclarationError';
  }
}

export function checkedName(name: unknown, className: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new TaskDeclarationError(
    `The name of ${className} is ${JSON.stringify(name)}; it takes ${NAME_FORM}`,
  );
}

export function checkedSchema(schema: unknown, what: string): StandardSchemaV1 | undefined {
  if (schema === undefined || isStandardSchema(schema)) return schema;
  throw new TaskDeclarationError(
    `The ${what} is no Standard Schema; it takes a schema of zod (3.24 or later), valibot (1), arktype (2) or another library that follows it`,
  );
}

export function parsed<T>(parse: () => T, what: string): T {
  try {
    return parse();
  } catch (error) {
    const reason = error instanceof ZodError ? error.issues.map(issueText).join('; ') : textOf(error);
    throw new TaskDeclarationError(`The ${what} is wrong: ${reason}`);
  }
}

function issueText({ path, message }: { path: PropertyKey[]; message: string }): string {
  return path.length > 0 ? `${path.join('.')} ${message}` : message;
}
