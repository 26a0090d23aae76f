import { z } from 'zod';
import { durationSchema } from './duration.js';
import type { Frozen } from './json.js';

/** A length of time from the start of a run. */
const deadlineSchema = durationSchema.refine((text) => Number.parseFloat(text) !== 0, 'takes more than 0');

const replyDeadline = deadlineSchema.meta({
  description:
    'How long after the start of the run the reply is made of what has succeeded by then. The rest goes on.',
});

const least = {
  min: z
    .int()
    .min(1)
    .meta({
      description: 'How many successes there must be at the deadline, else the reply is an error. Default 1.',
    })
    .exactOptional(),
};

const byDeadline = { deadline: replyDeadline.exactOptional(), ...least };

const pointerSchema = z
  .string()
  .regex(
    /^(?:\/(?:[^~/]|~[01])*)*$/,
    'takes a JSON Pointer (RFC 6901) such as /price, in which ~0 is "~" and ~1 is "/"',
  );

/** Which parts of results are compared. */
export const comparisonSchema = {
  pointer: pointerSchema
    .meta({ description: 'A JSON Pointer to what of the result is compared. Default: all of it.' })
    .exactOptional(),
  ignore: z
    .array(pointerSchema)
    .meta({ description: 'JSON Pointers to what of the result is not compared.' })
    .exactOptional(),
};

/** Which outcomes make the reply. `quorum` counts successes; `primary` is a sub-task's name. */
export const replyPolicySchema = z
  .discriminatedUnion('policy', [
    z.strictObject({ policy: z.literal('first-success') }),
    z.strictObject({ policy: z.literal('first-settled') }),
    z.strictObject({
      policy: z.literal('primary'),
      primary: z.string().meta({ description: 'The name of the sub-task whose outcome is the reply.' }),
    }),
    z.strictObject({
      policy: z.literal('quorum'),
      quorum: z.int().min(1).meta({ description: 'How many successes make the reply.' }),
      ...byDeadline,
    }),
    z.strictObject({ policy: z.literal('all'), ...byDeadline }),
    z.strictObject({
      policy: z.literal('agreement'),
      agreement: z.int().min(2).meta({ description: 'How many successes must have equal results.' }),
      ...comparisonSchema,
    }),
    z.strictObject({ policy: z.literal('deadline'), deadline: replyDeadline, ...least }),
  ])
  .meta({
    id: 'ReplyPolicy',
    description:
      'Which outcomes make the reply: the first success, the first outcome of any kind, the outcome of one primary sub-task, a quorum of successes, the success of all, so many equal results, or what has succeeded by a deadline.',
    examples: [{ policy: 'first-success' }],
  });

export type ReplyPolicy = Frozen<z.infer<typeof replyPolicySchema>>;

/** What becomes of the sub-tasks that are unfinished when the reply goes out. */
export const losersPolicySchema = z
  .union(
    [
      z.literal('continue'),
      z.literal('cancel'),
      z.strictObject({ policy: z.literal('cancel-after'), after: durationSchema }),
    ],
    { error: 'takes "continue", "cancel" or {"policy": "cancel-after", "after": "2s"}' },
  )
  .meta({
    id: 'LosersPolicy',
    description:
      'What becomes of the sub-tasks that are unfinished when the reply goes out: they continue, are cancelled at once, or are cancelled after a while.',
    examples: ['continue'],
  });

export type LosersPolicy = Readonly<z.infer<typeof losersPolicySchema>>;

/** What becomes of a run whose stream breaks off after callers were shown a part of the stream. */
export const onBreakSchema = z.enum(['fail', 'restart']).meta({
  id: 'OnBreak',
  description:
    'What happens when a stream breaks off of which callers were shown some: the run fails (`fail`), or another attempt or sub-task begins from scratch, which `restart` tells them (`restart`).',
});

export type OnBreak = z.infer<typeof onBreakSchema>;

/** When a run ends, whatever its sub-tasks do. */
export const runDeadlineSchema = deadlineSchema.meta({
  description:
    'How long after the start of the run its unfinished sub-tasks are cancelled, retries that wait included. Default: no such time.',
});
