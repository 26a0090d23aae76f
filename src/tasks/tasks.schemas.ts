import { z } from 'zod';
import { coalescingViewSchemas } from '../core/coalescing.js';
import { breakerViewSchema } from '../core/breaker.js';
import { faceSchema } from '../core/face.js';
import { concurrencyKeySchema, concurrencyPerKeySchema } from '../core/fairness.js';
import type { Frozen } from '../core/json.js';
import { labelsSchema } from '../core/labels.schema.js';
import { losersPolicySchema, replyPolicySchema, runDeadlineSchema } from '../core/policies.js';
import {
  answeredBySchema,
  EXAMPLE_RUN_ID,
  jsonValueSchema,
  missingSchema,
  runStatusSchema,
} from '../core/run.js';
import { SUB_TASK_PLACEMENTS } from '../core/sub-task.js';
import { webhookViewsSchema } from '../core/webhook-view.js';
import { MOST_WEBHOOKS_OF_RUN, runWebhookSchema } from '../core/webhook.schema.js';
import { startOrderSchema, startRuleSchema } from '../core/start-rule.js';
import { shadowSchema } from '../core/shadow.js';

export const EXAMPLE_REQUEST_ID = 'order-4711';
export const EXAMPLE_TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** The body of `POST /tasks/{name}/runs`. */
export const runRequestSchema = z
  .strictObject({
    input: jsonValueSchema
      .optional()
      .meta({ description: 'What the sub-tasks get; see the task’s `input` schema.' }),
    reply: replyPolicySchema.optional(),
    losers: losersPolicySchema.optional(),
    labels: labelsSchema.optional(),
    deadline: runDeadlineSchema.optional(),
    webhooks: z
      .array(runWebhookSchema)
      .max(MOST_WEBHOOKS_OF_RUN)
      .optional()
      .meta({
        description: `Where events of this run are sent, as long as it takes. At most ${MOST_WEBHOOKS_OF_RUN} with those of its task.`,
      }),
  })
  .meta({ id: 'RunRequest', description: 'What is left out, the task decides.' });

/** What a caller may say about a run. */
export type RunRequest = Frozen<z.infer<typeof runRequestSchema>>;

/** The answer of `POST /tasks/{name}/runs`. */
export const answerSchema = z
  .object({
    id: z.string().meta({ description: 'The id of the run, a UUIDv7: runs sort by their time.' }),
    runId: z.string().meta({ description: 'The same.' }),
    task: z.string(),
    status: runStatusSchema,
    result: jsonValueSchema.meta({
      description:
        'The result of the winner; under `quorum`, `all` and `deadline` an object by sub-task; under `agreement` the first of the equal ones.',
    }),
    answeredBy: answeredBySchema,
    missing: missingSchema,
    background: z.array(z.string()).meta({ description: 'The sub-tasks that are still unfinished.' }),
    coalesced: z
      .literal(true)
      .exactOptional()
      .meta({ description: 'Set when an equal request has started the run: see `coalesce` of the task.' }),
    reused: z
      .literal(true)
      .exactOptional()
      .meta({ description: 'Set when a run of the past answers: see `reuse` of the task.' }),
    ageMs: z.number().exactOptional().meta({ description: 'How old its reply is then, in milliseconds.' }),
    links: z.object({ run: z.string(), task: z.string() }),
  })
  .meta({
    id: 'Answer',
    examples: [
      {
        id: EXAMPLE_RUN_ID,
        runId: EXAMPLE_RUN_ID,
        task: 'demo',
        status: 'running',
        result: 'First result',
        answeredBy: 'first',
        background: ['second', 'third'],
        links: { run: `/runs/${EXAMPLE_RUN_ID}`, task: '/tasks/demo' },
      },
    ],
  });

const DEMO_TASK = {
  name: 'demo',
  subTasks: [
    {
      name: 'first',
      timeoutMs: 60_000,
      retry: { attempts: 1, delayMs: 100, maxDelayMs: 10_000, maxWaitMs: 10_000 },
      concurrency: null,
      placement: 'here',
      start: 'at-once',
    },
  ],
  reply: { policy: 'first-success' },
  losers: 'continue',
  order: 'declared',
  hedgeBudget: 0.1,
  input: {},
};

export const taskSchema = z
  .object({
    name: z.string(),
    subTasks: z.array(
      z.object({
        name: z.string(),
        target: z.string().exactOptional().meta({
          description:
            'What it calls, where it says so: of an HTTP sub-task the method and the URL as it is written, without its query.',
        }),
        timeoutMs: z.number().meta({ description: 'How long one attempt may take, in milliseconds.' }),
        retry: z.object({
          attempts: z.int().meta({ description: 'Attempts in all, the first included.' }),
          delayMs: z
            .number()
            .meta({ description: 'Bound of the wait before the second attempt; it doubles.' }),
          maxDelayMs: z.number().meta({
            description: 'Bound that the doubling stops at.',
          }),
          maxWaitMs: z.number().meta({
            description: 'Longest wait that a failure may ask for (`Retry-After`).',
          }),
        }),
        concurrency: z
          .int()
          .nullable()
          .meta({ description: 'How many may run at once; null: no bound of its own.' }),
        placement: z.enum(SUB_TASK_PLACEMENTS).meta({
          description: 'Where it is executed: by the node that accepted the run, or by one that takes work.',
        }),
        start: startRuleSchema,
        when: z.string().exactOptional().meta({
          description:
            'For which inputs it starts, where not for all: the expression of the file; `function` where code decides.',
        }),
        shadow: shadowSchema.options[1].exactOptional().meta({
          description:
            'There where it is a shadow: in how many runs it starts, and what of its results is compared.',
        }),
        breaker: breakerViewSchema.exactOptional(),
      }),
    ),
    reply: replyPolicySchema.meta({ description: 'Used by runs that name none.' }),
    losers: losersPolicySchema.meta({ description: 'Used by runs that name none.' }),
    deadline: runDeadlineSchema.exactOptional(),
    face: faceSchema.exactOptional(),
    order: startOrderSchema,
    ...coalescingViewSchemas,
    concurrencyKey: concurrencyKeySchema.exactOptional(),
    concurrencyPerKey: concurrencyPerKeySchema.exactOptional(),
    hedgeBudget: z.number().nullable().meta({
      description:
        'How many extra starts its runs may have on average: 0.1 is one in ten runs; null: no bound.',
    }),
    input: jsonValueSchema.meta({ description: 'JSON Schema of the input.' }),
    webhooks: webhookViewsSchema.exactOptional().meta({ description: 'Where events of its runs are sent.' }),
  })
  .meta({
    id: 'Task',
    examples: [DEMO_TASK],
  });

export const taskListSchema = z
  .object({ tasks: z.array(taskSchema) })
  .meta({ id: 'TaskList', examples: [{ tasks: [DEMO_TASK] }] });
