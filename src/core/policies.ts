import { z } from 'zod';
import { durationSchema } from './duration.js';

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
    }),
    z.strictObject({ policy: z.literal('all') }),
  ])
  .meta({
    id: 'ReplyPolicy',
    description:
      'Which outcomes make the reply: the first success, the first outcome of any kind, the outcome of one primary sub-task, a quorum of successes, or the success of all.',
    examples: [{ policy: 'first-success' }],
  });

export type ReplyPolicy = Readonly<z.infer<typeof replyPolicySchema>>;

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
