import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';

/** Zod's own message would name JavaScript's types. */
const PARAMETERS = {
  error: ({ input }: { readonly input?: unknown }): string | undefined =>
    typeof input === 'bigint' ? 'is an integer outside of ±(2^53 - 1), which is not taken here' : undefined,
};

/** Whether something is a schema of zod, valibot, arktype or another library that follows Standard Schema. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  const holdsMembers = typeof value === 'function' || (typeof value === 'object' && value !== null);
  if (!holdsMembers || !('~standard' in value)) return false;
  return typeof (value as StandardSchemaV1)['~standard'].validate === 'function';
}

/** What a schema makes of a value, or why it doesn't take it. */
export async function validated(
  schema: StandardSchemaV1,
  value: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  if (!(schema instanceof z.ZodType)) return schema['~standard'].validate(value);
  const parsed = await schema.safeParseAsync(value, PARAMETERS);
  return parsed.success ? { value: parsed.data } : { issues: parsed.error.issues };
}

/** The JSON Schema of what a schema takes; `{}`, which says nothing, where its library has none for it. */
export function inputJsonSchema(schema: StandardSchemaV1): Record<string, unknown> {
  if (schema instanceof z.ZodType) return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' }) ?? {};
  } catch {
    return {};
  }
}
