import { z } from 'zod';
import { DomainError, inputErrors, invalidRequest, type InputError } from '../core/domain-error.js';
import { JsonError, toJson, type JsonValue } from '../core/json.js';
import { parseTraceparent } from '../http/traceparent.js';
import { runRequestSchema } from '../tasks/tasks.schemas.js';

/** What is given to `start` besides the task. */
const startRequestSchema = z.strictObject({
  ...runRequestSchema.shape,
  idempotencyKey: z.string().min(1).max(255).optional(),
  requestId: z
    .string()
    .regex(/^[!-~]{1,200}$/, 'takes 1 to 200 visible ASCII characters')
    .optional(),
  traceparent: z
    .string()
    .refine((header) => parseTraceparent(header) !== undefined, 'takes a traceparent of W3C Trace Context')
    .transform(parseTraceparent)
    .optional(),
});

/** @throws {DomainError} `invalid-request` with a JSON Pointer to each thing that is wrong */
export function startRequest(
  input: unknown,
  options: object,
  maxInputBytes: number,
): z.infer<typeof startRequestSchema> {
  const parsed = startRequestSchema.safeParse({ ...options, input: jsonOf(input, maxInputBytes) });
  if (parsed.success) return parsed.data;
  throw invalidRequest(inputErrors(parsed.error.issues));
}

function jsonOf(input: unknown, maxBytes: number): JsonValue {
  try {
    return toJson(input, maxBytes);
  } catch (error) {
    if (error instanceof JsonError) throw invalidRequest([{ pointer: '/input', detail: error.message }]);
    throw error;
  }
}

/** Says in the message what is wrong: whoever calls a method reads that first. */
export function plainly(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.code !== 'invalid-request') return error;
  const { errors } = error.details as { readonly errors?: readonly InputError[] };
  if (!errors) return error;
  const mistakes = errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  return new DomainError(error.code, `The call does not fit: ${mistakes.join('; ')}`, error.details);
}
