import { StandardSchemaValidationPipe } from '@nestjs/common';
import { inputErrors, invalidRequest } from '../tasks/domain-error.js';

/** Nest's pipe, answering with JSON Pointers, and leaving the input as it is: Nest's would drop some of its keys. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => invalidRequest(inputErrors(issues)) });
  }

  protected override stripProtoKeys(): void {
    // `constructor` and `prototype` are fair keys of an input, and bodies with `__proto__` never come this far.
  }
}
