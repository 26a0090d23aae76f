import { z } from 'zod';
import { EXAMPLE_RUN_ID, jsonValueSchema } from '../core/run.js';
import { problem, problemTypes } from '../http/problems.js';
import { problemSchema } from '../http/problem.schema.js';
import { runRequestSchema } from './tasks.schemas.js';

/** How many runs one request may start. */
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

/** What of the body of `POST /tasks/{name}/runs:batch` is checked before its items. */
export const runBatchShapeSchema = z.strictObject({ runs: bounded(jsonValueSchema) });

/** That body as the OpenAPI document describes it. */
export const runBatchSchema = z.strictObject({ runs: bounded(batchItemSchema) }).meta({ id: 'RunBatch' });

const acceptedSchema = z
  .object({
    status: z.literal(202),
    id: z.string().meta({ description: 'The id of the run.' }),
    runId: z.string().meta({ description: 'The same.' }),
    replayed: z.boolean().meta({
      description: '`true` when an earlier item or request with the same key has started the run.',
    }),
    links: z.object({ run: z.string() }),
  })
  .meta({ id: 'AcceptedRun', description: 'A run that the journal has. There may be no reply yet.' });

/** The answer of `POST /tasks/{name}/runs:batch`. */
export const batchAnswerSchema = z
  .object({
    accepted: z.int().meta({ description: 'How many items have a run.' }),
    refused: z.int().meta({ description: 'How many have a problem document instead.' }),
    runs: z
      .array(z.union([acceptedSchema, problemSchema]))
      .meta({ description: 'One entry for each item, in the order of the items.' }),
  })
  .meta({
    id: 'RunBatchAnswer',
    examples: [
      {
        accepted: 1,
        refused: 1,
        runs: [
          {
            status: 202,
            id: EXAMPLE_RUN_ID,
            runId: EXAMPLE_RUN_ID,
            replayed: false,
            links: { run: `/runs/${EXAMPLE_RUN_ID}` },
          },
          problem('overloaded', problemTypes.overloaded.happened, { path: '/tasks/demo/runs:batch' }),
        ],
      },
    ],
  });
