import { z } from 'zod';
import { labelFilterSchema, labelsSchema } from '../core/labels.schema.js';
import { timeSchema } from '../core/time.schema.js';
import { answeredBySchema, EXAMPLE_RUN_ID, runStatusSchema } from '../core/run.js';
import { cursorOf, cursorSchema, oneOrSeveral, pageLimit } from '../http/paging.js';
import { REQUEST_ID } from '../http/request-context.js';
import { EXAMPLE_REQUEST_ID, EXAMPLE_TRACEPARENT } from '../tasks/tasks.schemas.js';
import type { RunPosition } from '../run/journal-pages.js';

const EXAMPLE_PLACE = [Date.UTC(2026, 10, 23, 12), 4_711] as const;

/** How many runs a page has at most, and by default. */
export const MAX_RUNS = 200;
export const DEFAULT_RUNS = 50;

/** The filters of `GET /runs`. */
export const runQuerySchema = z.strictObject({
  task: z
    .string()
    .optional()
    .meta({ description: 'Runs of this task.', examples: ['demo'] }),
  requestId: z
    .string()
    .regex(REQUEST_ID, 'must be an X-Request-Id: 1 to 200 visible ASCII characters')
    .optional()
    .meta({
      description: 'Runs that a request with this `X-Request-Id` has started.',
      examples: [EXAMPLE_REQUEST_ID],
    }),
  traceId: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'must be a trace id of W3C Trace Context: 32 hexadecimal digits in lower case')
    .optional()
    .meta({
      description: 'Runs that a request with a `traceparent` of this trace has started.',
      examples: [EXAMPLE_TRACEPARENT.slice(3, 35)],
    }),
  label: labelFilterSchema.optional(),
  status: oneOrSeveral(
    z.array(runStatusSchema).meta({
      description: 'Runs with this status, or any of these, separated by commas or given one by one.',
      examples: [['failed', 'partly-failed']],
    }),
  ).optional(),
  since: timeSchema('Runs created at this time or later, to the millisecond.').optional(),
  until: timeSchema('Runs created before this time, to the millisecond.').optional(),
  limit: pageLimit(MAX_RUNS, DEFAULT_RUNS, 'runs'),
  cursor: cursorSchema(
    'The `next` of the page before: shows the runs that are older than those.',
    EXAMPLE_PLACE,
  )
    .transform(([createdAt, number]): RunPosition => ({ createdAt, number }))
    .optional(),
});

const summary = z.object({
  id: z.string(),
  task: z.string(),
  status: runStatusSchema,
  createdAt: z.iso.datetime(),
  repliedAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'When the reply was decided; null as long as there is none.' }),
  replyMs: z
    .int()
    .nullable()
    .meta({ description: 'How long the reply took, from `createdAt` to `repliedAt`, in milliseconds.' }),
  answeredBy: answeredBySchema
    .nullable()
    .meta({ description: 'As in the reply of the run; null where there is none, or it is an error.' }),
  finishedAt: z.iso.datetime().nullable().meta({ description: 'When the last sub-task ended.' }),
  unfinished: z
    .array(z.string())
    .meta({ description: 'The sub-tasks that have not ended: after the reply, those in the background.' }),
  labels: labelsSchema.optional(),
  links: z.object({ run: z.string() }),
});

/** The answer of `GET /runs`. */
export const runPageSchema = z
  .object({
    runs: z.array(summary).meta({ description: 'The newest first.' }),
    next: z
      .string()
      .nullable()
      .meta({ description: 'The `cursor` of the next page; null when there are no older runs.' }),
  })
  .meta({
    id: 'RunPage',
    examples: [
      {
        runs: [
          {
            id: EXAMPLE_RUN_ID,
            task: 'demo',
            status: 'running',
            createdAt: '2026-11-23T12:00:00.000Z',
            repliedAt: '2026-11-23T12:00:01.003Z',
            replyMs: 1003,
            answeredBy: 'first',
            finishedAt: null,
            unfinished: ['second', 'third'],
            links: { run: `/runs/${EXAMPLE_RUN_ID}` },
          },
        ],
        next: cursorOf(...EXAMPLE_PLACE),
      },
    ],
  });
