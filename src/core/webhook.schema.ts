import { z } from 'zod';
import { durationSchema, milliseconds } from './duration.js';
import { EVENT_TYPES } from './event-types.js';
import type { Frozen } from './json.js';

/** What a webhook is told of that names no types: how a run was answered, and how it ended. */
export const DEFAULT_WEBHOOK_EVENTS = ['run.replied', 'run.finished'] as const;

/** How many webhooks a run may have of its own, those of its task among them. */
export const MOST_WEBHOOKS_OF_RUN = 8;

/** How long an attempt may hold one of the connections to its origin. */
const MOST_TIMEOUT_MS = 60_000;

const urlSchema = z
  .string()
  .max(2_000)
  .refine(
    (text) => {
      const url = URL.parse(text);
      // Not every database keeps control characters and halves of surrogate pairs.
      if (url === null || /[\s\p{Cc}\p{Cs}]/u.test(text)) return false;
      return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.hash;
    },
    { error: 'takes an http or https URL without a user, a password, a fragment and spaces' },
  )
  .meta({
    description:
      'Where events are sent with POST. https, and an address on the public internet, but for origins that WEBHOOK_ORIGINS names.',
    examples: ['https://hooks.example.com/frontrunner'],
  });

const SECRET_FORM = 'takes whsec_ and 24 to 64 bytes in base64';

/** Some texts of its characters are none: no signature could be made with them. */
function isBase64(secret: string): boolean {
  const text = secret.replace(/^whsec_/, '');
  const padded = Buffer.from(text, 'base64').toString('base64');
  return text === padded || text === padded.replace(/=+$/, '');
}

/** `whsec_` and 24 to 64 bytes in base64, as Standard Webhooks has them. */
export const webhookSecretSchema = z
  .string()
  .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, { error: SECRET_FORM, abort: true })
  .refine(isBase64, { error: SECRET_FORM })
  .meta({ description: 'What deliveries are signed with (Standard Webhooks). Never shown.' });

const eventsSchema = z
  .array(z.enum(EVENT_TYPES).exclude(['run.erased']))
  .min(1, { error: 'takes one type at least' })
  .max(EVENT_TYPES.length)
  .meta({ description: 'Which events it is told of. Default: run.replied and run.finished.' });

const formatSchema = z.enum(['event', 'cloudevents', 'cloudevents-binary']).meta({
  description:
    'What the body is: the event as the API shows it (the default), a CloudEvent 1.0 in structured mode, or one in binary mode.',
});

const retrySchema = z
  .strictObject({
    attempts: z.int().min(1).max(100).exactOptional().meta({
      description: 'Attempts in all, the first included; then the delivery is a dead letter. Default 18.',
    }),
    delay: durationSchema
      .exactOptional()
      .meta({ description: 'Bound of the wait before the second attempt; it doubles. Default 5s.' }),
    maxDelay: durationSchema
      .exactOptional()
      .meta({ description: 'Bound that the doubling stops at. Default 6h.' }),
  })
  .meta({
    description:
      'Waits are drawn between 0 and the bound (exponential backoff with full jitter), or as long as Retry-After asks for.',
  });

/** What every webhook may say. */
export const webhookFields = {
  url: urlSchema,
  events: eventsSchema.exactOptional(),
  format: formatSchema.exactOptional(),
  retry: retrySchema.exactOptional(),
  timeout: durationSchema
    .refine((text) => Number.parseFloat(text) !== 0, 'takes more than 0')
    .refine((text) => milliseconds(text) <= MOST_TIMEOUT_MS, {
      error: 'takes 1m at most',
      when: ({ issues }) => issues.length === 0,
    })
    .exactOptional()
    .meta({ description: 'How long one attempt may take: 1m at most. Default 15s.' }),
};

/** A webhook of one run, as its request names it. */
export const runWebhookSchema = z
  .strictObject({ ...webhookFields, secret: webhookSecretSchema.exactOptional() })
  .meta({
    id: 'RunWebhook',
    description:
      'Where events of this run are sent. Without a secret they are signed with that of the service, WEBHOOK_SECRET.',
    examples: [{ url: 'https://hooks.example.com/frontrunner', events: ['run.replied', 'run.finished'] }],
  });

/** A webhook of all runs of a task, as its declaration names it. */
export const taskWebhookSchema = runWebhookSchema.extend({
  allowPrivate: z
    .boolean()
    .exactOptional()
    .meta({
      description:
        'Whether it may be http, and have an address that is not on the public internet: private, loopback, link-local. Default false.',
      examples: [true],
    }),
});

export type RunWebhook = Frozen<z.infer<typeof runWebhookSchema>>;

export type TaskWebhook = Frozen<z.infer<typeof taskWebhookSchema>>;

/** How deliveries are made: what a webhook says of it, with what is sealed of it. */
export type WebhookTarget = Omit<RunWebhook, 'secret'> & {
  /** The newest first; each sealed, see `Seal`. Empty: those of the service, `WEBHOOK_SECRET`. */
  readonly secrets: readonly SealedSecret[];
  /** Whether its address may be one that is not on the public internet: its task says so, in code or a file. */
  readonly allowPrivate?: true;
  /** Its URL as a tasks file writes it, without the query, where variables of the environment are part of it: their values are not shown. */
  readonly written?: string;
};

/** `until` is when it signs no more, in milliseconds since 1970; undefined for the newest. */
export type SealedSecret = Readonly<{ sealed: string; until?: number }>;

/** What a webhook of the API is for. JSON of this is what is kept of it. */
export type WebhookTerms = WebhookTarget & {
  readonly description?: string;
  /** Of runs of any of these tasks; of all where it is left out. */
  readonly tasks?: readonly string[];
  /** Of runs that have all of these, each as `name:value`. */
  readonly labels?: readonly string[];
  /** The `clientId` of the one whose runs alone it is told of: its maker sees no others. */
  readonly onlyClient?: string;
};
