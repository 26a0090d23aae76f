import { z } from 'zod';
import { hedgeBudgetSchema, hedgeShare } from '../core/start-rule.js';
import { ruleOf } from './rules.js';

const MAX_RUNS = 10_000;
const DEFAULT_RUNS = 2_000;

/** The query of `GET /tasks/{name}/stats/what-if`. */
export const whatIfQuerySchema = z.strictObject({
  start: z
    .string()
    .refine(
      (text) => ruleOf(text) !== undefined,
      'takes at-once, after-failure, after-failed-attempt, a time such as 150ms, or a quantile of the reply times such as p90',
    )
    .optional()
    .meta({
      description:
        'The start rule of every sub-task behind the first: `at-once`, `after-failure`, `after-failed-attempt`, a time such as `150ms`, or a quantile of the reply times such as `p90`. Default: what the task declares.',
      examples: ['p90'],
    }),
  budget: hedgeBudgetSchema
    .transform(hedgeShare)
    .optional()
    .meta({
      description: 'The hedge budget: a percentage of the runs, or `off`. Default: that of the task.',
      examples: ['5%'],
    }),
  runs: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_RUNS)
    .default(DEFAULT_RUNS)
    .meta({
      description: 'How many of the newest runs are replayed at most.',
      examples: [DEFAULT_RUNS],
    }),
});

const count = (description: string) => z.int().meta({ description });
const ms = z.number().nullable();

const timesSchema = z
  .object({
    p50: ms.meta({ description: 'Half of them took no longer.' }),
    p90: ms,
    p99: ms,
    'p99.9': ms.meta({ description: 'One in a thousand took longer.' }),
  })
  .meta({
    id: 'WhatIfTimes',
    description:
      'How long callers wait for a reply that is a result, or for the first chunk of a stream, in milliseconds; null where there is none.',
    examples: [{ p50: 11.2, p90: 13.3, p99: 24.8, 'p99.9': 38.1 }],
  });

const errors = count('How many replies are an error.');
const measures = {
  replyMs: timesSchema,
  errors,
  extraStarts: count(
    'How many sub-tasks behind the first start without a failure, or a need, that calls for it: because their time has come, or at once.',
  ),
  extraStartShare: z.number().nullable().meta({ description: 'Those a run; null without runs.' }),
};
const measuresSchema = z.object(measures);
const boundSchema = z.object({ replyMs: timesSchema, errors });
const afterMs = ms.meta({
  description:
    'When the first hedge is due, in milliseconds after the start of a run: of a quantile what it comes to; null where no time starts any.',
});
const known = count(
  'Runs of which all times that matter are on record: what they come to is no guess. The others rest on times that are drawn.',
);
const rangeSchema = z.object({ from: ms, to: ms });

/** The answer of `GET /tasks/{name}/stats/what-if`. */
export const whatIfSchema = z
  .object({
    task: z.string(),
    runs: count(
      'How many runs are replayed: the newest that have finished, among the newest 250,000 events of the log.',
    ),
    leftOut: count(
      'How many besides can’t be: another reply policy or other sub-tasks than the task declares, cancelled, retried on request, or continued by another process.',
    ),
    window: z
      .object({ from: z.iso.datetime(), to: z.iso.datetime() })
      .nullable()
      .meta({ description: 'When the first and the last of them began; null without runs.' }),
    rule: z
      .object({
        start: z.string().meta({ description: 'As it was asked for; `declared`: what the task declares.' }),
        afterMs,
        hedgeBudget: z.number().nullable().meta({
          description: 'How many hedges runs may have on average: 0.1 is one in ten runs; null: no bound.',
        }),
      })
      .meta({ description: 'What they are replayed with.' }),
    actual: measuresSchema.meta({ description: 'How it was.' }),
    replayed: measuresSchema
      .extend({ heldBack: count('How many more hedges the budget holds back.') })
      .meta({ description: 'How it would have been.' }),
    confidence: z
      .object({
        known,
        drawn: count(
          'The other runs: a sub-task that was cut off, or never began, matters. How it would have ended is drawn from the times of all of its runs, those that were cut off included; one that would be later than any end that is known times out.',
        ),
        soonest: boundSchema.meta({
          description:
            'Were each of those as quick as that sub-task has ever been. It can’t be better than that.',
        }),
        latest: boundSchema.meta({
          description: 'Did none of those ever answer. It can’t be worse than that.',
        }),
        chance: z
          .object({ p50: rangeSchema, p90: rangeSchema, p99: rangeSchema, 'p99.9': rangeSchema })
          .meta({
            description:
              'Between what `replayed.replyMs` is with a certainty of 95 %, as far as chance has chosen these runs; null where they are too few to tell.',
          }),
      })
      .meta({ description: 'How sure that is.' }),
    curve: z.array(measuresSchema.extend({ start: z.string(), afterMs, known })).meta({
      description:
        'The same for other rules of every sub-task behind the first, without a hedge budget: from the fewest extra starts to the most.',
    }),
  })
  .meta({
    id: 'WhatIf',
    description:
      'It is as if each sub-task took as long as it did, whatever else goes on: more starts are more load, and that may make upstreams slower. Where a time is drawn, it is as if sub-tasks were slow independently of each other.',
    examples: [
      {
        task: 'lookup',
        runs: 2000,
        leftOut: 3,
        window: { from: '2026-11-23T11:05:00.000Z', to: '2026-11-23T12:02:41.018Z' },
        rule: { start: 'p90', afterMs: 13.4, hedgeBudget: 0.05 },
        actual: {
          replyMs: { p50: 11.2, p90: 13.4, p99: 1007, 'p99.9': 1012.4 },
          errors: 2,
          extraStarts: 98,
          extraStartShare: 0.049,
        },
        replayed: {
          replyMs: { p50: 11.2, p90: 13.4, p99: 27.1, 'p99.9': 39.5 },
          errors: 2,
          extraStarts: 100,
          extraStartShare: 0.05,
          heldBack: 102,
        },
        confidence: {
          known: 1902,
          drawn: 98,
          soonest: { replyMs: { p50: 11.2, p90: 13.4, p99: 24.2, 'p99.9': 38.8 }, errors: 2 },
          latest: { replyMs: { p50: 11.2, p90: 13.5, p99: 1007, 'p99.9': 1012.4 }, errors: 2 },
          chance: {
            p50: { from: 11.1, to: 11.3 },
            p90: { from: 13.2, to: 13.6 },
            p99: { from: 26.0, to: 29.8 },
            'p99.9': { from: 36.1, to: null },
          },
        },
        curve: [
          {
            start: 'after-failure',
            afterMs: null,
            replyMs: { p50: 11.2, p90: 13.6, p99: 1007, 'p99.9': 1012.4 },
            errors: 2,
            extraStarts: 0,
            extraStartShare: 0,
            known: 2000,
          },
          {
            start: 'p90',
            afterMs: 13.4,
            replyMs: { p50: 11.2, p90: 13.4, p99: 25.6, 'p99.9': 38.9 },
            errors: 2,
            extraStarts: 202,
            extraStartShare: 0.101,
            known: 1801,
          },
        ],
      },
    ],
  });
