import { z } from 'zod';

const count = (description: string) => z.int().meta({ description });
const ms = z.number().nullable();
const share = (description: string) =>
  z
    .number()
    .nullable()
    .meta({ description: `${description}, from 0 to 1; null as long as there is none.` });

/** How long things took. */
export const quantilesSchema = z
  .object({
    count: count('Of how many values.'),
    p50: ms.meta({ description: 'Half of them took no longer.' }),
    p90: ms,
    p99: ms.meta({ description: 'One in a hundred took longer.' }),
  })
  .meta({
    id: 'Quantiles',
    description:
      'Milliseconds, at most 1 % above what they were; null as long as there is no value. Too few values make the outer ones chance.',
    examples: [{ count: 1200, p50: 11.2, p90: 13.4, p99: 34.8 }],
  });

const quantiles = (description: string) => quantilesSchema.meta({ description });

const unused = (description: string) =>
  z
    .object({
      attempts: count('How many there were.'),
      chunks: count('How many chunks they had brought.'),
      bytes: count('How many bytes these chunks have, as JSON; of texts, in UTF-8.'),
      tokens: count('How many tokens they have, as far as the sub-task says.'),
    })
    .meta({ description });

/** What is shown of a sub-task that streams. */
export const streamSchema = z
  .object({
    firstChunkMs: quantiles(
      'From the start of an attempt to its first chunk that wins, whatever became of the attempt then. Attempts that ended before it are not in it.',
    ),
    cancelled: unused(
      'What attempts had brought that were cancelled: because another stream led, as a rule.',
    ),
    failed: unused('What attempts had brought that failed.'),
  })
  .meta({ description: 'There where an attempt of it has streamed.' });

/** How a shadow compares with replies. */
export const shadowStatsSchema = z
  .object({
    compared: count('In how many runs it succeeded and the reply had a result.'),
    equal: count('In how many of them its result was equal to that of the reply.'),
    different: count('In how many of them it was not.'),
    differences: z
      .array(
        z.object({
          runId: z.string(),
          time: z.iso.datetime().meta({ description: 'When both were on record.' }),
          pointers: z.array(z.string()).meta({
            description: 'JSON Pointers to what differs in the results, at most five. No values.',
          }),
        }),
      )
      .meta({ description: 'The newest ten that were different, the newest first.' }),
  })
  .meta({
    description:
      'There where it is a shadow: how its results compare with replies; where a reply has several results, with that of the first winner.',
  });

const subTaskSchema = z.object({
  name: z.string(),
  wins: count(
    'In how many runs its result was in the reply. Under `quorum` and `all` a reply has several winners.',
  ),
  winShare: share('The share of the replies that have its result'),
  starts: count('In how many runs it was started, retries not counted.'),
  extraStarts: count(
    'Of those starts, the hedges: its time had come (`after`) and there was no reply; and with `order: learned` those to learn from.',
  ),
  heldBack: count('How often its time had come, but the hedge budget was spent.'),
  skips: count('In how many runs it never started, because it was not needed, not eligible, or not sampled.'),
  failures: count('In how many runs it failed, after its retries.'),
  cancellations: count('In how many runs it was cancelled.'),
  dissents: count('In how many runs under `agreement` its result was not what the others agreed on.'),
  durationMs: quantiles('How long it took, retries included, where it succeeded.'),
  answerMs: quantiles(
    'Within what time it succeeds, out of all runs in which it began: failures never do, and cancelled ones would have taken longer than they had. `count` has both. Null where so many fail, or are cancelled so early, that it isn’t known.',
  ),
  marginMs: quantiles(
    'By how much it won: from its success to that of the next one, in runs in which it was the first and another was let run and succeeded too.',
  ),
  stream: streamSchema.exactOptional(),
  shadow: shadowStatsSchema.exactOptional(),
});

const hedgingSchema = z.object({
  extraStarts: count(
    'What hedging cost: sub-tasks that were started because their time had come, or to learn an order from.',
  ),
  extraStartShare: share('Extra starts a run'),
  heldBack: count('How many more the hedge budget held back.'),
  withoutHedgesMs: quantiles(
    'What `replyMs` would have been without hedges, which is what they saved: in runs without hedges as it was, and in those that have ended with some, when the first of the sub-tasks that started before any hedge succeeded. That is known under `first-success` of losers that are let run. Where it is not, they count as if they had succeeded when they were cancelled, or when the reply came: so these figures are too low rather than too high.',
  ),
  savedMs: z.number().meta({
    description: 'By how much hedges brought replies sooner, in all, in milliseconds: at least that much.',
  }),
  savedRuns: count('In how many runs they did.'),
  unknownRuns: count('In how many runs with hedges that was not known.'),
  cut: unused(
    'What all streams had brought that were cancelled, which racing them costs; there where an attempt has streamed.',
  ).exactOptional(),
});

const stepSchema = z.enum(['1m', '5m', '15m']);

export type Step = z.infer<typeof stepSchema>;

/** The query of `GET /tasks/{name}/stats`. */
export const statsQuerySchema = z.strictObject({
  step: stepSchema.optional().meta({
    description: 'Shows besides what happened from step to step of the window, as `series`.',
    examples: ['1m'],
  }),
});

const pointSchema = z.object({
  from: z.iso.datetime().meta({ description: 'When the step begins.' }),
  runs: count('How many runs were started.'),
  replies: count('How many were answered with a result.'),
  errors: count('How many were answered with an error.'),
  replyMs: quantiles(
    'How long replies with a result took, in runs with the reply policy that the task declared; at most 7 % above what it was.',
  ),
  hedging: z.object({
    extraStarts: count('How many hedges were started.'),
    heldBack: count('How many more the hedge budget held back.'),
    savedMs: z.number().meta({
      description:
        'By how much hedges brought replies sooner, in all, as known of runs that ended in the step.',
    }),
  }),
});

export const seriesSchema = z.object({ step: stepSchema, points: z.array(pointSchema) }).meta({
  description:
    'The window step by step, the oldest first, without a gap. The first and the last step may be incomplete.',
});

/** The answer of `GET /tasks/{name}/stats`. */
export const raceTableSchema = z
  .object({
    task: z.string(),
    window: z
      .object({ from: z.iso.datetime(), to: z.iso.datetime() })
      .meta({ description: 'The time that counts: the last 55 to 60 minutes, in steps of five.' }),
    runs: count('How many runs were started.'),
    replies: count('How many were answered with a result.'),
    errors: count('How many were answered with an error: the reply policy could not be met.'),
    replyMs: quantiles(
      'How long replies with a result took, in runs with the reply policy that the task declares.',
    ),
    firstChunkMs: quantiles(
      'How long callers waited for the first chunk that they were shown, in those runs that showed them a stream; there where one did.',
    ).exactOptional(),
    subTasks: z.array(subTaskSchema).meta({ description: 'In the order in which the task declares them.' }),
    hedging: hedgingSchema,
    learntMs: z.object({ p50: ms, p90: ms, p95: ms, p99: ms }).meta({
      description:
        'What `after: p95` and its like mean now: quantiles of the newest thousand or so of the reply times, and of the times to the first chunk in runs of which callers were shown a stream; null as long as there are too few, when `coldStart` is used.',
    }),
    order: z.array(z.string()).exactOptional().meta({
      description:
        'In which order the next run starts the sub-tasks; there where the task learns it (`order: learned`).',
    }),
    series: seriesSchema.optional(),
  })
  .meta({
    id: 'RaceTable',
    description:
      'A run counts from its start until all of its sub-tasks have ended. What becomes of it after a sub-task was retried on request, or after a restart of the service, does not.',
    examples: [
      {
        task: 'lookup',
        window: { from: '2026-11-23T11:05:00.000Z', to: '2026-11-23T12:02:41.018Z' },
        runs: 1212,
        replies: 1210,
        errors: 2,
        replyMs: { count: 1210, p50: 11.2, p90: 13.4, p99: 34.8 },
        subTasks: [
          {
            name: 'primary',
            wins: 1151,
            winShare: 0.9512,
            starts: 1212,
            extraStarts: 0,
            heldBack: 0,
            skips: 0,
            failures: 14,
            cancellations: 0,
            dissents: 0,
            durationMs: { count: 1198, p50: 11.2, p90: 13.6, p99: 1007 },
            answerMs: { count: 1212, p50: 11.3, p90: 14.1, p99: null },
            marginMs: { count: 9, p50: 7.0, p90: 12.0, p99: 12.0 },
          },
          {
            name: 'mirror',
            wins: 59,
            winShare: 0.0488,
            starts: 72,
            extraStarts: 58,
            heldBack: 3,
            skips: 1140,
            failures: 4,
            cancellations: 0,
            dissents: 0,
            durationMs: { count: 68, p50: 12.1, p90: 15.9, p99: 33.1 },
            answerMs: { count: 72, p50: 12.3, p90: 21.5, p99: null },
            marginMs: { count: 45, p50: 950, p90: 979, p99: 987 },
          },
        ],
        hedging: {
          extraStarts: 58,
          extraStartShare: 0.0479,
          heldBack: 3,
          withoutHedgesMs: { count: 1210, p50: 11.2, p90: 13.6, p99: 1007 },
          savedMs: 55_412,
          savedRuns: 57,
          unknownRuns: 0,
        },
        learntMs: { p50: 11.2, p90: 13.4, p95: 14.9, p99: 34.8 },
        series: {
          step: '1m',
          points: [
            {
              ...{ from: '2026-11-23T11:05:00.000Z', runs: 20, replies: 19, errors: 1 },
              replyMs: { count: 19, p50: 11.1, p90: 13.5, p99: 34.3 },
              hedging: { extraStarts: 1, heldBack: 0, savedMs: 950 },
            },
          ],
        },
      },
    ],
  });
