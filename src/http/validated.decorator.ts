import { Body, Query, type PipeTransform } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { z } from 'zod';
import {
  inputErrors,
  invalidRequest,
  type InputError,
  type Issue,
  type ParameterError,
} from '../core/domain-error.js';
import { parameterErrors } from './query.js';

/** The body, checked by a schema. Errors have JSON Pointers. */
export function ValidBody(schema: z.ZodType): ParameterDecorator {
  return described(schema, Body(new SchemaPipe(schema, inputErrors)));
}

/** The query, checked by a schema. Errors name parameters. */
export function ValidQuery(schema: z.ZodType): ParameterDecorator {
  return described(schema, Query(new SchemaPipe(schema, parameterErrors)));
}

/** Uses only features of both Nest 11 and 12. Nest 12's own pipe for schemas would drop some keys of an input. */
class SchemaPipe implements PipeTransform {
  constructor(
    private readonly schema: z.ZodType,
    private readonly errorsOf: (issues: readonly Issue[]) => readonly (InputError | ParameterError)[],
  ) {}

  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues) throw invalidRequest(this.errorsOf(result.issues));
    return result.value;
  }
}

/** Stores the schema where `@nestjs/swagger` 12 finds it, as `@Body({ schema })` of Nest 12 does. */
function described(schema: z.ZodType, decorate: ParameterDecorator): ParameterDecorator {
  return (target, method, index) => {
    decorate(target, method, index);
    const parameters = Reflect.getMetadata(
      ROUTE_ARGS_METADATA,
      target.constructor,
      method as string,
    ) as Parameters;
    for (const parameter of Object.values(parameters))
      if (parameter.index === index) parameter.schema = schema;
  };
}

type Parameters = Record<string, { readonly index: number; schema?: z.ZodType }>;
