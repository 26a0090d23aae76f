import { z } from 'zod';
import { EVENT_TYPES } from '../core/event-types.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { timeSchema } from '../core/time.schema.js';
import { cursorSchema, oneOrSeveral, pageLimit } from '../http/paging.js';
import { MOST_WEBHOOKS_OF_RUN } from '../core/webhook.schema.js';

const MAX_DELIVERIES = 200;
const DEFAULT_DELIVERIES = 50;
const EXAMPLE_EVENT = 4_711;
const EXAMPLE_REPORT = {
  at: '2026-11-23T12:00:01.203Z',
  tookMs: 187.4,
  status: 503,
  error: 'status',
  message: 'The answer has the status 503',
  excerpt: 'upstream connect error',
};

const status = z.enum(['waiting', 'delivered', 'dead']);

/** An attempt in the API. */
const reportSchema = z
  .object({
    at: z.iso.datetime().meta({ description: 'When it ended.' }),
    tookMs: z.number(),
    status: z.int().optional().meta({ description: 'Of the answer, where there was one.' }),
    error: z.string().optional().meta({
      description:
        'Why it failed: `status`, `timeout`, `unreachable`, `forbidden-address` or `sealed`, for example.',
    }),
    message: z.string().optional().meta({ description: 'Says more of that, for people.' }),
    excerpt: z.string().optional().meta({ description: 'The beginning of the answer’s body.' }),
  })
  .meta({ id: 'DeliveryAttempt', examples: [EXAMPLE_REPORT] });

export type ReportView = z.input<typeof reportSchema>;

/** The answer of `POST /webhooks/{webhookId}/test`. */
export const testedSchema = z
  .object({ delivered: z.boolean(), ...reportSchema.shape })
  .meta({ id: 'WebhookTest', examples: [{ delivered: false, ...EXAMPLE_REPORT }] });

/** Filter for the deliveries of a webhook. */
const filter = {
  runId: z
    .string()
    .optional()
    .meta({ description: 'Those of events of this run.', examples: [EXAMPLE_RUN_ID] }),
  since: timeSchema('Those whose last attempt ended at this time or later.').optional(),
  until: timeSchema('Those whose last attempt ended before this time.').optional(),
};

/** The query of `GET /webhooks/{webhookId}/deliveries`. */
export const deliveriesQuerySchema = z.strictObject({
  status: oneOrSeveral(
    z.array(status).meta({
      description: 'Those with this status, or any of these, separated by commas or given one by one.',
      examples: [['waiting', 'dead']],
    }),
  ).optional(),
  runId: filter.runId,
  limit: pageLimit(MAX_DELIVERIES, DEFAULT_DELIVERIES, 'deliveries'),
  cursor: cursorSchema('The `next` of the page before: shows deliveries of older events.', [EXAMPLE_EVENT, 0])
    .transform(([event, target]) => ({ event, target }))
    .optional(),
});

export type DeliveriesQuery = z.infer<typeof deliveriesQuerySchema>;

/** The query of `DELETE /webhooks/{webhookId}/deliveries`. */
export const discardQuerySchema = z.strictObject(filter);

/** The body of `POST /webhooks/{webhookId}/redrive`. */
export const redriveSchema = discardQuerySchema.meta({
  id: 'DeliveryFilter',
  description: 'Which of the dead deliveries; what is left out bounds nothing.',
  examples: [{ since: '2026-11-23T00:00:00Z' }, { runId: EXAMPLE_RUN_ID }],
});

export type DeliveryFilter = z.infer<typeof redriveSchema>;

/** The query of requests for a single delivery. */
export const targetQuerySchema = z.strictObject({
  target: z.coerce
    .number()
    .int()
    .min(0)
    .max(MOST_WEBHOOKS_OF_RUN - 1)
    .default(0)
    .meta({
      description: 'Of `runs`: which of the webhooks of the run, counted from 0.',
      examples: [1],
    }),
});

/** The answer of `GET /webhooks/{webhookId}/deliveries`. */
export const deliveryPageSchema = z
  .object({
    deliveries: z
      .array(
        z.object({
          event: z.int().meta({ description: 'The id of the event, which is its `webhook-id`.' }),
          target: z.int(),
          runId: z.string(),
          task: z.string(),
          type: z.enum(EVENT_TYPES),
          status,
          attempts: z
            .int()
            .meta({ description: 'How many were made since the event came up, or was redriven.' }),
          dueAt: z.iso.datetime().nullable().meta({
            description:
              'When the next attempt is due; null where none is, or an earlier event of the run is first.',
          }),
          changedAt: z.iso.datetime().meta({ description: 'When the last attempt ended.' }),
          report: reportSchema
            .nullable()
            .meta({ description: 'What the last attempt came to; null before the first.' }),
          url: z
            .string()
            .optional()
            .meta({ description: 'Of `runs`, until it is delivered: where it goes, without its query.' }),
          links: z.object({ run: z.string() }),
        }),
      )
      .meta({ description: 'Those of the newest events first.' }),
    next: z
      .string()
      .nullable()
      .meta({ description: 'The `cursor` of the next page; null when there are no more.' }),
  })
  .meta({
    id: 'DeliveryPage',
    examples: [
      {
        deliveries: [
          {
            event: EXAMPLE_EVENT,
            target: 0,
            runId: EXAMPLE_RUN_ID,
            task: 'demo',
            type: 'run.finished',
            status: 'waiting',
            attempts: 1,
            dueAt: '2026-11-23T12:00:05.714Z',
            changedAt: EXAMPLE_REPORT.at,
            report: EXAMPLE_REPORT,
            links: { run: `/runs/${EXAMPLE_RUN_ID}` },
          },
        ],
        next: null,
      },
    ],
  });

export type DeliveryView = z.input<typeof deliveryPageSchema>['deliveries'][number];

export const redrivenSchema = z
  .object({ redriven: z.int().meta({ description: 'How many deliveries are to be tried again.' }) })
  .meta({ id: 'RedrivenDeliveries', examples: [{ redriven: 2 }] });

export const discardedSchema = z
  .object({ discarded: z.int().meta({ description: 'How many dead deliveries are gone.' }) })
  .meta({ id: 'DiscardedDeliveries', examples: [{ discarded: 2 }] });
