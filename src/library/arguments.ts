import { z } from 'zod';
import { DomainError, inputErrors, invalidRequest, type InputError } from '../core/domain-error.js';
import { labelFilterSchema } from '../core/labels.schema.js';
import { runStatusSchema } from '../core/run.js';
import { DEFAULT_RUNS, MAX_RUNS } from '../history/history.schemas.js';

export const runIdSchema = z.object({ id: z.string({ error: 'takes the id of a run' }) });

export const subTaskSchema = z.object({ subTask: z.string({ error: 'takes the name of a sub-task' }) });

const milliseconds = z.int({ error: 'takes whole milliseconds since 1970' });

/** Which runs of the history to show. */
export const runQuerySchema = z.strictObject({
  client: z.string().optional(),
  task: z.string().optional(),
  labels: labelFilterSchema.pipe(z.array(z.string()).min(1)).optional(),
  statuses: z.array(runStatusSchema).min(1).optional(),
  since: milliseconds.optional(),
  until: milliseconds.optional(),
  olderThan: z.strictObject({ createdAt: milliseconds, number: z.int() }).optional(),
  limit: z
    .int({ error: `takes a whole number from 1 to ${MAX_RUNS}` })
    .min(1)
    .max(MAX_RUNS)
    .default(DEFAULT_RUNS),
});

/** Where to begin in the log, and what ends the reading. */
export const eventsOptionsSchema = z.strictObject({
  after: z.int({ error: 'takes the id of an event: a whole number from 0' }).min(0).default(0),
  signal: z.instanceof(AbortSignal, { error: 'takes an AbortSignal' }).optional(),
});

/**
 * Checks an argument of a method, and adds defaults.
 *
 * @throws {DomainError} `invalid-request` with a JSON Pointer to each thing that is wrong
 */
export function checked<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw plainly(invalidRequest(inputErrors(parsed.error.issues)));
}

/** Puts the details of an error into its message: callers of a method read that first. */
export function plainly(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.code !== 'invalid-request') return error;
  const { errors } = error.details as { readonly errors?: readonly InputError[] };
  if (!errors) return error;
  const mistakes = errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
  return new DomainError(error.code, `The call does not fit: ${mistakes.join('; ')}`, error.details);
}
