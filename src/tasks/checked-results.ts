import type { StandardSchemaV1 } from '@standard-schema/spec';
import { inputErrors } from '../core/domain-error.js';
import type { SubTaskContext, SubTaskHandler } from '../core/sub-task.js';
import { SubTaskError } from '../core/sub-task-error.js';
import { validated } from './standard-schema.js';

/** Wraps a sub-task whose results must fit a schema. */
export class CheckedResults implements SubTaskHandler<unknown> {
  constructor(
    private readonly handler: SubTaskHandler<unknown>,
    private readonly output: StandardSchemaV1,
  ) {}

  async run(input: unknown, context: SubTaskContext): Promise<unknown> {
    return checkedResult(this.output, await this.handler.run(input, context));
  }
}

/** Parses a result with a schema. @throws {SubTaskError} `result-unfit` */
export async function checkedResult(output: StandardSchemaV1, result: unknown): Promise<unknown> {
  const checked = await validated(output, result);
  if (!checked.issues) return checked.value;
  const mistakes = inputErrors(checked.issues).map(({ pointer, detail }) =>
    pointer === '' ? detail : `${pointer}: ${detail}`,
  );
  throw new SubTaskError(`The result does not fit output: ${mistakes.join('; ')}`, {
    code: 'result-unfit',
  });
}
