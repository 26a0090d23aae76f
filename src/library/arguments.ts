import { z } from 'zod';
import { inputErrors, invalidRequest } from '../core/domain-error.js';
import { plainly } from './start-request.js';

export const runIdSchema = z.object({ id: z.string({ error: 'takes the id of a run' }) });

/** Where to begin in the log, and what ends the reading. */
export const eventsOptionsSchema = z.strictObject({
  after: z.int({ error: 'takes the id of an event: a whole number from 0' }).min(0).default(0),
  signal: z.instanceof(AbortSignal, { error: 'takes an AbortSignal' }).optional(),
});

/**
 * What a caller gave to a method, with its defaults.
 *
 * @throws {DomainError} `invalid-request` with a JSON Pointer to each thing that is wrong
 */
export function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw plainly(invalidRequest(inputErrors(parsed.error.issues)));
}
