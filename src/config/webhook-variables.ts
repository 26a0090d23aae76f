import { z } from 'zod';
import { parseSecretsKeys, parseWebhookOrigins, parseWebhookSecrets } from './values.js';
import type { Variables } from './variable.js';

/** Variables about webhooks. */
export const webhookVariables = {
  SECRETS_KEY: {
    schema: z
      .string()
      .transform(parseSecretsKeys)
      .refine((keys) => keys !== undefined),
    secret: true,
    fallback: 'none',
    takes:
      'none, or 32 bytes in base64 such as openssl rand -base64 32 makes; several separated by commas: the first seals, all open',
    purpose: 'What secrets of webhooks are encrypted with where they are kept. Without it none can be made.',
  },
  WEBHOOK_SECRET: {
    schema: z
      .string()
      .transform(parseWebhookSecrets)
      .refine((secrets) => secrets !== undefined),
    secret: true,
    fallback: 'none',
    takes: 'none, or whsec_ and 24 to 64 bytes in base64; several separated by commas: all sign',
    purpose:
      'What deliveries to webhooks of runs and tasks are signed with that bring no secret of their own.',
  },
  WEBHOOK_ORIGINS: {
    schema: z
      .string()
      .transform(parseWebhookOrigins)
      .refine((origins) => origins !== undefined),
    fallback: 'public',
    takes: 'public, origins such as http://127.0.0.1:4000, or both, separated by commas',
    purpose:
      'Where callers may send events: public is https to any address on the public internet; an origin may have any address.',
  },
} satisfies Variables;
