import { z } from 'zod';
import { invalidRequest } from '../core/domain-error.js';
import { JsonError, toJson, type JsonValue } from '../core/json.js';
import { parseTraceparent } from '../http/traceparent.js';
import { REQUEST_ID } from '../http/request-context.js';
import { runRequestSchema } from '../tasks/tasks.schemas.js';
import { checked } from './arguments.js';

/** Arguments of `start` besides the task. */
const startRequestSchema = z.strictObject({
  ...runRequestSchema.shape,
  idempotencyKey: z.string().min(1).max(255).optional(),
  requestId: z.string().regex(REQUEST_ID, 'takes 1 to 200 visible ASCII characters').optional(),
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
  return checked(startRequestSchema, { ...options, input: jsonOf(input, maxInputBytes) });
}

function jsonOf(input: unknown, maxBytes: number): JsonValue {
  try {
    return toJson(input, maxBytes);
  } catch (error) {
    if (error instanceof JsonError) throw invalidRequest([{ pointer: '/input', detail: error.message }]);
    throw error;
  }
}
