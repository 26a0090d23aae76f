import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';

/** Replaces Zod's own message for a bigint, which would name JavaScript's types. */
const PARAMETERS = {
  error: ({ input }: { readonly input?: unknown }): string | undefined =>
    typeof input === 'bigint' ? 'is an integer outside of ±(2^53 - 1), which is not taken here' : undefined,
};

/** Whether a value is a schema of zod, valibot, arktype or another library that follows Standard Schema. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  const holdsMembers = typeof value === 'function' || (typeof value === 'object' && value !== null);
  if (!holdsMembers || !('~standard' in value)) return false;
  return typeof (value as StandardSchemaV1)['~standard'].validate === 'function';
}

/** Parses a value with a schema. @returns the parsed value, or the issues */
export async function validated(
  schema: StandardSchemaV1,
  value: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  if (!(schema instanceof z.ZodType)) return schema['~standard'].validate(value);
  const parsed = await schema.safeParseAsync(value, PARAMETERS);
  return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues };
}

/** The JSON Schema of a schema's input; `{}`, which allows any value, where the schema's library can't make one. */
export function inputJsonSchema(schema: StandardSchemaV1): Record<string, unknown> {
  if (schema instanceof z.ZodType) return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' }) ?? {};
  } catch {
    return {};
  }
}
