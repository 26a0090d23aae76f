import { z } from 'zod';
import { labelsSchema } from '../core/labels.schema.js';
import { losersPolicySchema, replyPolicySchema, runDeadlineSchema } from '../core/policies.js';
import {
  attemptErrorSchema,
  EXAMPLE_RUN_ID,
  jsonValueSchema,
  replySchema,
  runStatusSchema,
  startTriggerSchema,
  subTaskStatusSchema,
} from '../core/run.js';
import { stream } from '../core/event.schema.js';
import { webhookViewsSchema } from '../core/webhook-view.js';
import { EXAMPLE_REQUEST_ID, EXAMPLE_TRACEPARENT } from './tasks.schemas.js';

const time = (description: string) => z.iso.datetime().nullable().meta({ description });

/** The answer of `GET /runs/{id}`. */
export const runSchema = z
  .object({
    id: z.string(),
    task: z.string(),
    status: runStatusSchema,
    input: jsonValueSchema,
    replyPolicy: replyPolicySchema,
    losers: losersPolicySchema,
    labels: labelsSchema.optional(),
    deadline: runDeadlineSchema.exactOptional(),
    webhooks: webhookViewsSchema
      .exactOptional()
      .meta({ description: 'Where its events are sent, but for webhooks of `/webhooks`.' }),
    reply: replySchema
      .nullable()
      .meta({ description: 'What the caller was told; null as long as there is no reply.' }),
    lead: z
      .object({
        subTask: z.string(),
        attempt: z.int(),
        broken: z.literal(true).exactOptional().meta({
          description: 'There when that stream has broken off, another may take its place, and none has yet.',
        }),
      })
      .exactOptional()
      .meta({ description: 'Whose stream callers are shown, or were shown last; there where one was.' }),
    lastEventId: z.int().meta({
      description: 'The id of the last event of the run that this tells of; the `ETag` says the same.',
    }),
    requestId: z
      .string()
      .nullable()
      .meta({ description: 'The `X-Request-Id` of the request that started it.' }),
    traceparent: z.string().nullable().meta({
      description:
        'The `traceparent` (W3C Trace Context) of that request; null when it had none. Where traces are on, that of the span of the run.',
    }),
    client: z
      .string()
      .optional()
      .meta({ description: 'The name of the API key that it came with, where it needed one.' }),
    createdAt: z.iso.datetime(),
    repliedAt: time('When the reply was decided.'),
    finishedAt: time('When the last sub-task ended.'),
    subTasks: z.array(
      z.object({
        name: z.string(),
        status: subTaskStatusSchema,
        attempts: z.int().meta({ description: 'Attempts begun so far.' }),
        failures: z.int().meta({
          description:
            'How many of them failed; the rest go on, succeeded, or were cut off by a stop or a crash.',
        }),
        trigger: startTriggerSchema
          .optional()
          .meta({ description: 'Why it has started; not there when it started with the run.' }),
        heldBack: z.literal(true).optional().meta({
          description:
            'There when its time had come but the task’s hedge budget was spent, so that it waited for a failure.',
        }),
        retryAt: time('When the next attempt is due, while it waits for a retry.'),
        startedAt: time('When the first attempt began, or the first since it was retried on request.'),
        finishedAt: time('When it ended.'),
        durationMs: z
          .number()
          .nullable()
          .meta({ description: 'From the first attempt to the end, in milliseconds.' }),
        progress: z
          .object({ value: jsonValueSchema, time: z.iso.datetime() })
          .optional()
          .meta({ description: 'What its last attempt has said of its progress, and when.' }),
        stream: stream.meta({
          description: 'What the stream of its last attempt had brought when that ended, where it streams.',
        }),
        deadLetter: z.literal(true).optional().meta({
          description:
            'There while it waits among the dead letters of nodes that share a Postgres: `GET /queue/dead-letters` says why. It goes on when somebody redrives it, and ends when the run is cancelled.',
        }),
        reason: z.string().optional().meta({ description: 'Why it was cancelled or skipped.' }),
        result: jsonValueSchema
          .optional()
          .meta({ description: 'What it returned; there once it succeeded.' }),
        error: attemptErrorSchema.optional().meta({
          description: 'The last attempt’s error; there while it waits for a retry and once it failed.',
        }),
        answered: z
          .literal(true)
          .optional()
          .meta({ description: 'There on the sub-tasks whose result is in the reply.' }),
        shadow: z.literal(true).optional().meta({
          description: 'There on shadows, whose results are in no reply.',
        }),
      }),
    ),
  })
  .meta({
    id: 'Run',
    examples: [
      {
        id: EXAMPLE_RUN_ID,
        task: 'demo',
        status: 'running',
        input: null,
        replyPolicy: { policy: 'first-success' },
        losers: 'continue',
        labels: { tenant: 'acme' },
        reply: { answeredBy: 'first', result: 'First result' },
        lastEventId: 6,
        requestId: EXAMPLE_REQUEST_ID,
        traceparent: EXAMPLE_TRACEPARENT,
        createdAt: '2026-11-23T12:00:00.000Z',
        repliedAt: '2026-11-23T12:00:01.003Z',
        finishedAt: null,
        subTasks: [
          {
            name: 'first',
            status: 'succeeded',
            attempts: 1,
            failures: 0,
            retryAt: null,
            startedAt: '2026-11-23T12:00:00.001Z',
            finishedAt: '2026-11-23T12:00:01.003Z',
            durationMs: 1001.7,
            result: 'First result',
            answered: true,
          },
          {
            name: 'second',
            status: 'running',
            attempts: 1,
            failures: 0,
            retryAt: null,
            startedAt: '2026-11-23T12:00:00.001Z',
            finishedAt: null,
            durationMs: null,
            progress: { value: { percent: 40 }, time: '2026-11-23T12:00:02.001Z' },
          },
        ],
      },
    ],
  });
