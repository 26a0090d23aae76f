import { z } from 'zod';
import type { EVENT_TYPES } from './event-types.js';
import { labelsSchema } from './labels.schema.js';
import { losersPolicySchema, replyPolicySchema, runDeadlineSchema } from './policies.js';
import {
  attemptErrorSchema,
  EXAMPLE_RUN_ID,
  jsonValueSchema,
  replySchema,
  runStatusSchema,
  startTriggerSchema,
} from './run.js';

const nothing = z.strictObject({});
const reason = z.string().meta({ description: 'Why it was not wanted any more.' });
const durationMs = z
  .number()
  .meta({ description: 'From the start of the first attempt to the end, in milliseconds.' });

export const stream = z
  .strictObject({
    chunks: z.int().min(0),
    bytes: z.int().min(0).meta({ description: 'Of their JSON; of texts, in UTF-8.' }),
    firstChunkMs: z.number().exactOptional().meta({
      description:
        'From the start of the attempt to the first chunk that wins, in milliseconds; not there where none came.',
    }),
    tokens: z.int().min(0).exactOptional().meta({
      description: 'How many tokens they have, as far as the sub-task says.',
    }),
  })
  .exactOptional()
  .meta({ description: 'What the stream of the attempt had brought until then, where it streams.' });

const delayMs = z.number().meta({ description: 'How long after the run it was due, in milliseconds.' });

const about = {
  id: z.int().min(1).meta({
    description:
      'The number of the event in the log of all runs: it grows, but not by one where runs were deleted.',
  }),
  time: z.iso.datetime(),
  runId: z.string(),
  task: z.string(),
  client: z.string().exactOptional().meta({
    description: 'The name of the API key that the run was started with, where one was needed.',
  }),
  labels: labelsSchema.exactOptional(),
};
const aboutSubTask = {
  subTask: z.string(),
  attempt: z.int().min(0).meta({
    description: 'Counts from 1; 0 for a sub-task that never began.',
  }),
};

type Listed = (typeof EVENT_TYPES)[number];

const event = <T extends Listed & `run.${string}`, D extends z.ZodType>(
  type: T,
  description: string,
  data: D,
) => z.strictObject({ type: z.literal(type), ...about, data }).meta({ description });

const subTaskEvent = <T extends Listed & `sub-task.${string}`, D extends z.ZodType>(
  type: T,
  description: string,
  data: D,
) => z.strictObject({ type: z.literal(type), ...about, ...aboutSubTask, data }).meta({ description });

/** Example for the API's descriptions of events. */
export const EXAMPLE_EVENT = {
  id: 5,
  type: 'sub-task.succeeded' as const,
  time: '2026-11-23T12:00:01.003Z',
  runId: EXAMPLE_RUN_ID,
  task: 'demo',
  subTask: 'first',
  attempt: 1,
  data: { result: 'First result', durationMs: 1001.7 },
};

/** An event of a run in the form in which events leave the service. */
export const runEventSchema = z
  .discriminatedUnion('type', [
    event(
      'run.started',
      'A run was accepted, and its sub-tasks are about to start.',
      z.strictObject({
        input: jsonValueSchema,
        inputKept: z.literal(false).exactOptional().meta({
          description: 'There where the task keeps something of the input out of the record.',
        }),
        replyPolicy: replyPolicySchema,
        losers: losersPolicySchema,
        subTasks: z.array(z.string()),
        shadows: z.array(z.string()).exactOptional().meta({
          description:
            'Those of them that are shadows, whose results are in no reply; there where there are some.',
        }),
        onBreak: z.literal('restart').exactOptional().meta({
          description: 'There where another stream may take the place of one that breaks off.',
        }),
        deadline: runDeadlineSchema.exactOptional(),
        requestId: z.string().exactOptional().meta({
          description: 'The id of the request that started it, where one did.',
        }),
        traceparent: z.string().exactOptional().meta({
          description:
            'The `traceparent` (W3C Trace Context) of that request, where it had one; where traces are on, that of the span of the run.',
        }),
      }),
    ),
    subTaskEvent(
      'sub-task.held-back',
      'The time of a sub-task had come, but the hedge budget of its task was spent; only a failure starts it now.',
      z.strictObject({
        delayMs,
        hedgeBudget: z
          .number()
          .meta({ description: 'How many hedges runs may have on average: 0.1 is one in ten runs.' }),
      }),
    ),
    subTaskEvent(
      'sub-task.started',
      'An attempt began.',
      z.strictObject({
        trigger: startTriggerSchema.exactOptional(),
        delayMs: delayMs.exactOptional(),
        traceparent: z.string().exactOptional().meta({
          description: 'The `traceparent` of the span of the attempt, where traces are on and it is sampled.',
        }),
      }),
    ),
    subTaskEvent(
      'sub-task.progressed',
      'An attempt has said how far it has come. Of what it says within a quarter of a second, the last is told.',
      z.strictObject({ value: jsonValueSchema }),
    ),
    subTaskEvent(
      'sub-task.streamed',
      'The stream of an attempt has brought chunks. Callers are shown those of one attempt: see `GET /runs/{id}/stream`.',
      z.strictObject({
        first: z.int().min(0).meta({
          description:
            'Which chunk of the stream the first of them is, from 0. They begin anew at 0 where the stream is shown again from its beginning.',
        }),
        chunks: z.array(jsonValueSchema),
      }),
    ),
    subTaskEvent(
      'sub-task.retrying',
      'An attempt failed, and another one is due.',
      z.strictObject({
        error: attemptErrorSchema,
        delayMs: z.number().meta({ description: 'How long until the next attempt, in milliseconds.' }),
        dueAt: z.iso.datetime(),
        key: z.string().exactOptional().meta({
          description:
            'What stands for the `Idempotency-Key` of the request for this retry, where it had one.',
        }),
        stream,
      }),
    ),
    subTaskEvent(
      'sub-task.succeeded',
      'An attempt succeeded, and so did its sub-task.',
      z.strictObject({ result: jsonValueSchema, durationMs, stream }),
    ),
    subTaskEvent(
      'sub-task.failed',
      'The last attempt failed, and so did its sub-task.',
      z.strictObject({ error: attemptErrorSchema, durationMs, stream }),
    ),
    subTaskEvent(
      'sub-task.cancelled',
      'The sub-task was under way and is not wanted any more.',
      z.strictObject({ reason, durationMs, stream }),
    ),
    subTaskEvent('sub-task.skipped', 'The sub-task never began.', z.strictObject({ reason })),
    event(
      'run.replied',
      'The reply policy was met, or can’t be met any more. `status` and `background`, the unfinished sub-tasks, say how things stood then.',
      z.strictObject({
        durationMs: z.number().exactOptional().meta({
          description:
            'From the start of the run, in milliseconds; not there when it is not the run’s first reply.',
        }),
        firstChunkMs: z.number().exactOptional().meta({
          description:
            'From the start of the run to the first chunk of the stream that callers were shown, in milliseconds; there where one was.',
        }),
        reply: replySchema,
        status: runStatusSchema.exclude(['set-aside']),
        background: z.array(z.string()),
      }),
    ),
    event(
      'run.finished',
      'Every sub-task has ended.',
      z.strictObject({ status: z.enum(['succeeded', 'partly-failed', 'failed', 'cancelled']) }),
    ),
    event(
      'run.reopened',
      'A failed sub-task of a run that was finished is to be tried again: the run goes on.',
      nothing,
    ),
    event(
      'run.erased',
      'An event of a run that was erased: its number and its time are left, and what it said is gone.',
      nothing,
    ),
  ])
  .meta({
    id: 'RunEvent',
    description:
      'Something that happened to a run, and is on record. `subTask` and `attempt` say to which of its parts.',
    examples: [EXAMPLE_EVENT],
  });
