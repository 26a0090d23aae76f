import { z } from 'zod';
import { coalesceSchema, reuseSchema } from '../core/coalescing.js';
import { breakerSchema } from '../core/breaker.js';
import { durationSchema } from '../core/duration.js';
import { faceSchema } from '../core/face.js';
import { concurrencyKeySchema, concurrencyPerKeySchema } from '../core/fairness.js';
import { NAME, NAME_FORM } from '../core/name.js';
import { losersPolicySchema, onBreakSchema, replyPolicySchema, runDeadlineSchema } from '../core/policies.js';
import { keepInputSchema, redactSchema } from '../core/redaction.js';
import { SUB_TASK_PLACEMENTS } from '../core/sub-task.js';
import { MOST_WEBHOOKS_OF_RUN } from '../core/webhook.schema.js';
import { hedgeBudgetSchema, startOrderSchema, startRuleSchema } from '../core/start-rule.js';
import { shadowSchema } from '../core/shadow.js';
import { defaultsSchema } from './defaults.schema.js';
import { fileWebhookSchema } from './file-webhooks.js';
import { httpRequestSchema } from '../upstreams/http-sub-task.schema.js';
import { originsSchema } from '../upstreams/origins.schema.js';

const nameSchema = z.string().regex(NAME, `takes ${NAME_FORM}`);

/** The members with which a task lists any sub-task. */
const listed = {
  start: startRuleSchema.optional(),
  when: z
    .string()
    .meta({
      description:
        'For which inputs it starts: an expression in JSONata, {% … %}, over the input. Where it gives nothing, false, 0 or something empty, the sub-task is skipped. Default: for all.',
      examples: ["{% region = 'eu' %}"],
    })
    .optional(),
  shadow: shadowSchema.optional(),
};

const httpSubTaskSchema = httpRequestSchema
  .safeExtend({
    kind: z.literal('http').meta({ description: 'A call of an upstream over HTTP.' }),
    name: nameSchema.meta({ description: 'Unique within the task.', examples: ['eu'] }),
    timeout: durationSchema
      .refine((text) => !/^[0.]+ ?[a-z]+$/i.test(text), 'takes more than 0: no attempt could succeed')
      .meta({
        description:
          'How long one attempt may take, its whole answer included. Default 60s, and 10m for a stream.',
        examples: ['2s'],
      })
      .optional(),
    retry: z
      .strictObject({
        attempts: z
          .int()
          .min(1)
          .meta({ description: 'Attempts in all, the first one included. Default 1: no retry.' })
          .optional(),
        delay: durationSchema
          .meta({
            description:
              'Bound of the wait before the second attempt; it doubles with each further one. Default 100ms.',
            examples: ['100ms'],
          })
          .optional(),
        maxDelay: durationSchema
          .meta({
            description: 'Bound that the doubling stops at. Default 10s.',
            examples: ['2s'],
          })
          .optional(),
        maxWait: durationSchema
          .meta({
            description:
              'Longest wait that the upstream may ask for (Retry-After): a longer one ends the attempts, and so does one past the deadline of the run. Default: maxDelay.',
            examples: ['1m'],
          })
          .optional(),
      })
      .meta({
        description: 'Waits are drawn between 0 and the bound. Default: no retry.',
        examples: [{ attempts: 3, delay: '100ms', maxDelay: '2s' }],
      })
      .optional(),
    concurrency: z
      .int()
      .min(1)
      .meta({
        description: 'How many may run at once, over all runs. Default: MAX_CONCURRENT_SUB_TASKS alone.',
      })
      .optional(),
    placement: z
      .enum(SUB_TASK_PLACEMENTS)
      .meta({
        description:
          'worker: it is executed by whichever node takes work (ROLE) and is free, where nodes share a Postgres database. Default here: by the node that accepted its run.',
      })
      .optional(),
    ...listed,
    breaker: breakerSchema.optional(),
  })
  .meta({ id: 'HttpSubTask', description: 'A sub-task that calls an upstream over HTTP.' });

const classSubTaskSchema = z
  .strictObject({
    kind: z.literal('class').meta({ description: 'A class of the service’s code.' }),
    class: z
      .string()
      .min(1)
      .meta({
        description:
          'The name of a class decorated with @SubTask that a module provides. The name of the sub-task is what @SubTask says.',
        examples: ['English'],
      }),
    ...listed,
  })
  .meta({ id: 'ClassSubTask', description: 'A sub-task that the service’s code has.' });

export const subTaskSchema = z.discriminatedUnion('kind', [httpSubTaskSchema, classSubTaskSchema]);

export const fileTaskSchema = z
  .strictObject({
    input: z
      .record(z.string(), z.any())
      .meta({
        description:
          'JSON Schema (2020-12) of the input of a run; formats are no more than notes. Default: any JSON value.',
        examples: [{ type: 'object', required: ['city'], properties: { city: { type: 'string' } } }],
      })
      .optional(),
    reply: replyPolicySchema.optional(),
    losers: losersPolicySchema.optional(),
    onBreak: onBreakSchema.optional(),
    deadline: runDeadlineSchema.optional(),
    order: startOrderSchema.optional(),
    hedgeBudget: hedgeBudgetSchema.optional(),
    face: faceSchema.optional(),
    coalesce: coalesceSchema.optional(),
    reuse: reuseSchema.optional(),
    concurrencyKey: concurrencyKeySchema.optional(),
    concurrencyPerKey: concurrencyPerKeySchema.optional(),
    keepInput: keepInputSchema.optional(),
    redact: redactSchema.optional(),
    webhooks: z
      .array(fileWebhookSchema)
      .max(MOST_WEBHOOKS_OF_RUN)
      .meta({ description: 'Where events of its runs are sent, beside the webhooks that a run names.' })
      .optional(),
    subTasks: z
      .array(subTaskSchema)
      .min(1, 'takes at least one sub-task')
      .meta({ description: 'In the order in which they start.' }),
  })
  .meta({
    id: 'FileTask',
    description: 'Sub-tasks that are run together, and which of their outcomes make the reply.',
  });

/** The content of TASKS_FILE. */
export const tasksFileSchema = z
  .strictObject({
    $schema: z.string().meta({ description: 'Where editors find the schema of this file.' }).optional(),
    defaults: defaultsSchema(fileTaskSchema, httpSubTaskSchema).optional(),
    origins: originsSchema.optional(),
    tasks: z.record(nameSchema, fileTaskSchema).meta({ description: 'The tasks by their names.' }),
  })
  .meta({
    title: 'Tasks of Frontrunner',
    description: 'What TASKS_FILE of Frontrunner holds.',
    // These members are ignored.
    patternProperties: { '^x-': {} },
  });

export type FileTask = z.infer<typeof fileTaskSchema>;
export type HttpFileSubTask = z.infer<typeof httpSubTaskSchema>;

/**
 * The JSON Schema of a tasks file, for editors: in draft 7, which all of them support. It is less strict than {@link tasksFileSchema}.
 */
export function tasksJsonSchema(): object {
  return z.toJSONSchema(tasksFileSchema, { target: 'draft-7', io: 'input' });
}
