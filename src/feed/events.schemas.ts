import { z } from 'zod';
import { EVENT_TYPES } from '../core/event-types.js';
import { runEventSchema } from '../core/event.schema.js';
import { labelFilterSchema } from '../core/labels.schema.js';
import { wholeNumber } from '../http/query.js';
import { EXAMPLE_RUN_ID } from '../core/run.js';

/** How many events a page has at most. */
export const MAX_EVENTS = 1_000;
export const DEFAULT_EVENTS = 100;

export const EXAMPLE_TOKEN =
  'WyJzaG9wOjFmMmUzZDRjNWI2YSIsIi9ldmVudHMiLDE4MDAwMDAwMDAwMDBd.kb2mVhGm0gZtC9vnvLh4Z5XvC6yKQ1pFzq0gq0fJm5E';

/** The query of `GET /runs/{id}/stream`. */
export const runStreamQuerySchema = z.strictObject({
  after: wholeNumber(0).optional(),
  /** Access by the token is checked before: see `StreamTokens`. */
  token: z
    .string({ error: 'takes one stream token' })
    .optional()
    .meta({
      description: 'For streams, in place of an API key: a token of `POST /stream-tokens`.',
      examples: [EXAMPLE_TOKEN],
    }),
});

export type RunStreamQuery = z.infer<typeof runStreamQuerySchema>;

/** The query of `GET /runs/{id}/events`. */
export const runEventsQuerySchema = runStreamQuerySchema.extend({
  limit: wholeNumber(1, MAX_EVENTS).default(DEFAULT_EVENTS),
});

export type RunEventsQuery = z.infer<typeof runEventsQuerySchema>;

/** The query of `GET /events`. */
export const eventsQuerySchema = runEventsQuerySchema.extend({
  task: z.string({ error: 'takes one name' }).optional(),
  label: labelFilterSchema.optional(),
  type: z
    .union([z.string(), z.array(z.string())])
    .transform((types) => [...new Set([types].flat().flatMap((list) => list.split(',')))])
    .pipe(
      z.array(
        z.enum(EVENT_TYPES, {
          error: ({ input }) =>
            `${JSON.stringify(input)} is no type of event; there are ${EVENT_TYPES.join(', ')}`,
        }),
      ),
    )
    .optional(),
});

export type EventsQuery = z.infer<typeof eventsQuerySchema>;

/** The answer to callers that poll for events. */
export const eventPageSchema = z
  .object({
    events: z.array(runEventSchema),
    next: z.int().min(0).meta({
      description:
        'The `after` of the next page. It goes on even where `events` is empty: a page looks at a bounded stretch of the log. Once it stays the same, nothing is new.',
    }),
  })
  .meta({
    id: 'EventPage',
    examples: [
      {
        events: [
          {
            id: 12,
            type: 'run.finished',
            time: '2026-11-23T12:00:05.004Z',
            runId: EXAMPLE_RUN_ID,
            task: 'demo',
            data: { status: 'succeeded' },
          },
        ],
        next: 12,
      },
    ],
  });
