import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { pageLimit } from '../http/paging.js';
import { durationSchema } from '../core/duration.js';
import { labelsSchema, plainTextSchema } from '../core/labels.schema.js';
import { NAME, NAME_FORM } from '../core/name.js';
import { WEBHOOK_DEFAULTS } from '../core/webhook-defaults.js';
import { DEFAULT_WEBHOOK_EVENTS, webhookFields, webhookSecretSchema } from '../core/webhook.schema.js';

const MOST_TASKS = 100;
const MOST_CHARACTERS = 200;

/** How many webhooks a page has at most, and by default. */
const MAX_WEBHOOKS = 100;
const DEFAULT_WEBHOOKS = 50;

export const EXAMPLE_WEBHOOK_ID = '019a2b3c-5e6f-7a80-9b1c-2d3e4f5a6b7c';
const EXAMPLE_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwExampleKey0=';
const EXAMPLE_TERMS = {
  url: 'https://hooks.example.com/frontrunner',
  events: ['run.finished' as const],
  tasks: ['demo'],
  labels: { tenant: 'acme' },
  description: 'Results for the billing of acme',
};

const tasksSchema = z
  .array(z.string().regex(NAME, { error: `is no name of a task: it takes ${NAME_FORM}` }))
  .min(1, { error: 'takes one name at least' })
  .max(MOST_TASKS)
  .meta({ description: 'It is told of runs of these tasks. Default: of all.' });

const withLabels = labelsSchema.meta({
  description: 'It is told of runs that have all of these labels. Default: of all.',
});

const descriptionSchema = plainTextSchema(MOST_CHARACTERS).meta({ description: 'For people.' });

/** The body of `POST /webhooks`. */
export const webhookRequestSchema = z
  .strictObject({
    ...webhookFields,
    tasks: tasksSchema.exactOptional(),
    labels: withLabels.exactOptional(),
    description: descriptionSchema.exactOptional(),
    secret: webhookSecretSchema.exactOptional().meta({
      description: 'What deliveries are signed with (Standard Webhooks). Default: one that is made.',
    }),
  })
  .meta({ id: 'WebhookRequest', examples: [EXAMPLE_TERMS] });

export type WebhookRequest = z.infer<typeof webhookRequestSchema>;

const { url, events, format, retry, timeout } = webhookFields;

/** The body of `PATCH /webhooks/{webhookId}`. */
export const webhookChangeSchema = z
  .strictObject({
    url: url.exactOptional(),
    events: events.unwrap().nullable().exactOptional(),
    tasks: tasksSchema.nullable().exactOptional(),
    labels: withLabels.nullable().exactOptional(),
    description: descriptionSchema.nullable().exactOptional(),
    format: format.unwrap().nullable().exactOptional(),
    retry: retry.unwrap().nullable().exactOptional(),
    timeout: timeout.unwrap().nullable().exactOptional(),
    paused: z.boolean().exactOptional().meta({
      description: 'true pauses it. false lets it go on with the first event that it was not told of.',
    }),
  })
  .meta({
    id: 'WebhookChange',
    description: 'What is left out stays as it is; null takes a member away.',
    examples: [{ paused: false, tasks: null }],
  });

export type WebhookChange = z.infer<typeof webhookChangeSchema>;

/** The body of `POST /webhooks/{webhookId}/rotate-secret`. */
export const rotationSchema = z
  .strictObject({
    secret: webhookSecretSchema.exactOptional().meta({
      description:
        'The new secret. With the one that is the newest already nothing changes, so the request may be repeated. Default: one that is made.',
    }),
    overlap: durationSchema.default('24h').meta({
      description: 'How long the secret before it signs beside the new one.',
      examples: ['24h'],
    }),
  })
  .meta({ id: 'SecretRotation', examples: [{ overlap: '24h' }] });

export type Rotation = z.infer<typeof rotationSchema>;

/** The query of `GET /webhooks`. */
export const webhooksQuerySchema = z.strictObject({
  limit: pageLimit(MAX_WEBHOOKS, DEFAULT_WEBHOOKS, 'webhooks'),
  cursor: z
    .string()
    .refine(isUuid, 'must be the `next` of an earlier page')
    .optional()
    .meta({
      description: 'The `next` of the page before: shows those that were made before.',
      examples: [EXAMPLE_WEBHOOK_ID],
    }),
});

const standing = {
  state: z.enum(['active', 'paused']),
  reason: z.enum(['request', 'gone', 'failing']).optional().meta({
    description:
      'Of one that is paused: `request`: somebody asked for it; `gone`: its endpoint answered 410; `failing`: nothing could be delivered for as long as retries last.',
  }),
  since: z.iso.datetime().optional().meta({ description: 'Since when it is paused.' }),
  behind: z
    .object({
      events: z.int().meta({ description: 'How many events of all runs it has not looked at yet.' }),
      seconds: z.number().meta({ description: 'How long ago the first of them came up.' }),
    })
    .meta({ description: 'How far it is behind the end of the log.' }),
  waiting: z
    .int()
    .meta({ description: 'How many deliveries wait for another attempt, or behind one that does.' }),
  dead: z.int().meta({ description: 'How many deliveries are given up.' }),
};

/** A webhook in the API. */
export const webhookSchema = z
  .object({
    id: z.string(),
    url: url.meta({ description: 'Where events are sent; without its query, in which a token may be.' }),
    events: events.unwrap(),
    tasks: tasksSchema.optional(),
    labels: withLabels.optional(),
    description: z.string().optional(),
    format: format.unwrap(),
    retry: z.object({ attempts: z.int(), delay: z.string(), maxDelay: z.string() }),
    timeout: z.string(),
    ...standing,
    client: z.string().nullable().meta({
      description: 'The name of the API key that it was made with; null where none was needed.',
    }),
    ownRuns: z.literal(true).optional().meta({
      description: 'There where it is told of the runs of that key alone: it had `runs:read:own`.',
    }),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'Webhook',
    examples: [
      {
        id: EXAMPLE_WEBHOOK_ID,
        ...EXAMPLE_TERMS,
        ...WEBHOOK_DEFAULTS,
        state: 'active',
        behind: { events: 0, seconds: 0 },
        waiting: 0,
        dead: 0,
        client: 'billing',
        createdAt: '2026-11-23T12:00:00.000Z',
      },
    ],
  });

export type WebhookView = z.input<typeof webhookSchema>;

/** The answer of requests that create a secret. */
export const webhookWithSecretSchema = z
  .object({
    ...webhookSchema.shape,
    secret: z.string().meta({ description: 'What deliveries are signed with. It is shown this once.' }),
  })
  .meta({
    id: 'WebhookWithSecret',
    examples: [
      {
        id: EXAMPLE_WEBHOOK_ID,
        url: EXAMPLE_TERMS.url,
        events: [...DEFAULT_WEBHOOK_EVENTS],
        ...WEBHOOK_DEFAULTS,
        state: 'active',
        behind: { events: 0, seconds: 0 },
        waiting: 0,
        dead: 0,
        client: null,
        createdAt: '2026-11-23T12:00:00.000Z',
        secret: EXAMPLE_SECRET,
      },
    ],
  });

/** The answer of `GET /webhooks`. */
export const webhookPageSchema = z
  .object({
    webhooks: z.array(webhookSchema).meta({ description: 'The newest first.' }),
    next: z
      .string()
      .nullable()
      .meta({ description: 'The `cursor` of the next page; null when there are no older ones.' }),
  })
  .meta({ id: 'WebhookPage', examples: [{ webhooks: [], next: null }] });
