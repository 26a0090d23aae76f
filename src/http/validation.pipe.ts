import { StandardSchemaValidationPipe, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import {
  inputErrors,
  invalidRequest,
  type InputError,
  type Issue,
  type ParameterError,
} from '../core/domain-error.js';
import { parameterErrors } from './query.js';

/** Validates bodies and queries by their schemas; what is wrong with them has JSON Pointers or names of parameters. */
export class ValidationPipe implements PipeTransform {
  private readonly body = new SchemaPipe(inputErrors);
  private readonly query = new SchemaPipe(parameterErrors);

  transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    return (metadata.type === 'query' ? this.query : this.body).transform(value, metadata);
  }
}

/** Nest's pipe, leaving the input as it is: Nest's would drop some of its keys. */
class SchemaPipe extends StandardSchemaValidationPipe {
  constructor(errorsOf: (issues: readonly Issue[]) => readonly (InputError | ParameterError)[]) {
    super({ exceptionFactory: (issues) => invalidRequest(errorsOf(issues)) });
  }

  protected override stripProtoKeys(): void {
    // `constructor` and `prototype` are fair keys of an input, and bodies with `__proto__` never come this far.
  }
}
