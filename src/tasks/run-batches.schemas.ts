import { z } from 'zod';
import { jsonValueSchema } from '../core/run.js';
import { runRequestSchema } from './tasks.schemas.js';

/** Most runs that one request may start. */
const MAX_RUNS = 1_000;

/** One run of a batch. */
export const batchItemSchema = runRequestSchema
  .extend({
    idempotencyKey: z
      .string()
      .regex(/^[ -~]{1,255}$/, { error: 'takes a text of 1 to 255 printable ASCII characters' })
      .optional()
      .meta({
        description:
          'The same as the header `Idempotency-Key` of `POST /tasks/{name}/runs`: the same item with the same key gives the same run.',
      }),
  })
  .meta({ id: 'RunBatchItem', description: 'What is left out, the task decides.' });

const bounded = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .min(1, { error: `takes 1 to ${MAX_RUNS} items` })
    .max(MAX_RUNS, { error: `takes 1 to ${MAX_RUNS} items` });

/** The body of `POST /tasks/{name}/runs:batch` as far as it is checked before its items. */
export const runBatchShapeSchema = z.strictObject({ runs: bounded(jsonValueSchema) });

/** The same body, in full, for the OpenAPI document. */
export const runBatchSchema = z.strictObject({ runs: bounded(batchItemSchema) }).meta({ id: 'RunBatch' });
