import { z } from 'zod';
import { durationSchema, milliseconds } from './duration.js';
import { EVENT_TYPES } from './event-types.js';
import type { Frozen } from './json.js';

/** Events that a webhook gets by default: how a run was answered, and how the run ended. */
export const DEFAULT_WEBHOOK_EVENTS = ['run.replied', 'run.finished'] as const;

/** Most webhooks of one run, those of its task included. */
export const MOST_WEBHOOKS_OF_RUN = 8;

/** Longest time for which an attempt may hold a connection to its origin. */
const MOST_TIMEOUT_MS = 60_000;

const urlSchema = z
  .string()
  .max(2_000)
  .refine(
    (text) => {
      const url = URL.parse(text);
      // Some databases can't store control characters and halves of surrogate pairs.
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

/** Whether a secret is valid base64. Some texts with only base64's characters are not, and can't be used to sign. */
function isBase64(secret: string): boolean {
  const text = secret.replace(/^whsec_/, '');
  const padded = Buffer.from(text, 'base64').toString('base64');
  return text === padded || text === padded.replace(/=+$/, '');
}

/** `whsec_` and 24 to 64 bytes in base64, the form of Standard Webhooks. */
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

/** Options that every webhook has. */
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

/** How deliveries are made: a webhook's options, with sealed secrets. */
export type WebhookTarget = Omit<RunWebhook, 'secret'> & {
  /** Sealed secrets (see `Seal`), the newest first. Empty: deliveries are signed with the service's `WEBHOOK_SECRET`. */
  readonly secrets: readonly SealedSecret[];
  /** Whether the address may be private. Only a task can allow that, in code or in a file. */
  readonly allowPrivate?: true;
  /** Set where the URL contains variables of the environment: the URL as in the tasks file, without its query. It hides the values. */
  readonly written?: string;
};

/** `until`: when the secret stops signing, in milliseconds since 1970; undefined for the newest secret. */
export type SealedSecret = Readonly<{ sealed: string; until?: number }>;

/** The terms of a webhook made with the API. They are stored as JSON. */
export type WebhookTerms = WebhookTarget & {
  readonly description?: string;
  /** Sends events of runs of these tasks only. Default: of all tasks. */
  readonly tasks?: readonly string[];
  /** Sends events of runs that have all of these labels, each as `name:value`. */
  readonly labels?: readonly string[];
  /** Sends events of this `clientId`'s runs only, because the webhook's maker may see no other runs. */
  readonly onlyClient?: string;
};
