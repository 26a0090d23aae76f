import { z } from 'zod';
import { STREAM_PATH } from '../access/stream-tokens.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';
import { EXAMPLE_TOKEN } from './events.schemas.js';

/** The body of `POST /stream-tokens`. */
export const streamTokenRequestSchema = z
  .union(
    [
      z.strictObject({
        runId: z.string().meta({ description: 'The run whose events the token is for.' }),
      }),
      z.strictObject({
        path: z
          .string()
          .regex(STREAM_PATH, {
            error: 'takes /events, /runs/{id}/events or /runs/{id}/stream, without a query',
          })
          .meta({ description: 'The path of the stream, without a query.' }),
      }),
    ],
    { error: 'takes either runId, or path: /events, /runs/{id}/events or /runs/{id}/stream without a query' },
  )
  .meta({ id: 'StreamTokenRequest', examples: [{ runId: EXAMPLE_RUN_ID }, { path: '/events' }] });

export type StreamTokenRequest = z.infer<typeof streamTokenRequestSchema>;

/** The answer of `POST /stream-tokens`. */
export const streamTokenSchema = z
  .object({
    token: z.string(),
    expiresAt: z.iso
      .datetime()
      .meta({ description: 'Until when streams may be opened with it. Those that are open go on.' }),
    url: z.string().meta({ description: 'The address of the stream, with the token: for `EventSource`.' }),
  })
  .meta({
    id: 'StreamToken',
    examples: [
      {
        token: EXAMPLE_TOKEN,
        expiresAt: '2026-11-23T12:05:00.000Z',
        url: `/events?token=${EXAMPLE_TOKEN}`,
      },
    ],
  });
