import { z } from 'zod';
import { durationSchema, milliseconds } from './duration.js';

/** Above p0, which would be no time at all, and below p100, which would be the time of the single slowest reply. */
const QUANTILE = /^p(?!0+(\.0+)?$)\d{1,2}(\.\d{1,2})?$/;

/** Delay that a rule such as `after: p95` uses as long as too few replies are known. */
const DEFAULT_COLD_START = '100ms';

const afterDuration = z.strictObject({ after: durationSchema });

const afterQuantile = z.strictObject({
  after: z
    .string()
    .regex(QUANTILE)
    .refine(isQuantile)
    .meta({
      description:
        'A quantile of the task’s own recent reply times, above p0 and below p100. Where sub-tasks stream, of the times to the first chunk that callers were shown.',
      examples: ['p95'],
    }),
  coldStart: durationSchema.optional().meta({
    description: `Used instead of the quantile as long as too few replies are known. Default ${DEFAULT_COLD_START}.`,
  }),
});

/**
 * When a sub-task starts: with the run, some time later unless the reply is out by then, after an earlier sub-task failed, or after an attempt of
 * an earlier sub-task failed.
 */
export const startRuleSchema = z
  .union([z.enum(['at-once', 'after-failed-attempt', 'after-failure']), afterDuration, afterQuantile], {
    error:
      'takes "at-once", "after-failure", "after-failed-attempt", {"after": "150ms"}, or {"after": "p95", "coldStart": "100ms"}: a quantile of the task’s recent reply times, above p0 and below p100',
  })
  .meta({
    id: 'StartRule',
    description:
      'When a sub-task starts: with the run, some time after it unless the reply is out by then, when one before it has failed (`after-failure`), or as soon as an attempt of one before it has failed, although that one tries again (`after-failed-attempt`). A failure starts the next one at once, whatever its rule. A sub-task starts at most one other by failing.',
    examples: [{ after: 'p95', coldStart: '100ms' }],
  });

export type StartRule = Readonly<z.infer<typeof startRuleSchema>>;

/** How long after the run's start a sub-task is due: a fixed time, or a quantile (from 0 to 1) of reply times once it is known. */
export type StartDelay =
  { readonly ms: number } | { readonly quantile: number; readonly coldStartMs: number };

/** In which order the sub-tasks of a task take the places in the list. Each place keeps its start rule. */
export const startOrderSchema = z.enum(['declared', 'learned']).meta({
  id: 'StartOrder',
  description:
    'In which order sub-tasks start: as they are listed, or the one first of which answers are expected soonest (`learned`). The start rules stay at their places.',
});

export type StartOrder = z.infer<typeof startOrderSchema>;

/** The delay of a start rule; undefined for a rule without a time. */
export function startDelay(rule: StartRule): StartDelay | undefined {
  if (typeof rule !== 'object') return undefined;
  const { after } = rule;
  if (!isQuantile(after)) return { ms: milliseconds(after) };
  const coldStart = ('coldStart' in rule ? rule.coldStart : undefined) ?? DEFAULT_COLD_START;
  return { quantile: Number(after.slice(1)) / 100, coldStartMs: milliseconds(coldStart) };
}

function isQuantile(after: string): after is `p${number}` {
  return QUANTILE.test(after);
}

/**
 * Why sub-tasks with these rules can't start in the order in which they are declared; undefined when they can. A fixed time and
 * a quantile can't be compared before the run, so any order of these two is accepted.
 *
 * @param names names of the sub-tasks, for the message
 */
export function startOrderMisfit(names: readonly string[], rules: readonly StartRule[]): string | undefined {
  if (!rules.includes('at-once')) return 'no sub-task starts at once; let the first one do so';
  const latest = new Map<'ms' | 'quantile', { readonly name: string; readonly value: number }>();
  let before = { name: '', rank: 0 };
  for (const [index, rule] of rules.entries()) {
    const name = names[index] ?? '';
    const delay = startDelay(rule);
    const rank = delay ? 1 : UNTIMED_RANKS.indexOf(rule);
    if (rank < before.rank) {
      return `${name} ${RANKS[rank] ?? ''} but stands behind ${before.name}, which ${RANKS[before.rank] ?? ''}; list first those that start at once, then those that start after a time, then those that start after a failed attempt, then those that start after a failure`;
    }
    before = { name, rank };
    if (!delay) continue;
    const [unit, value] =
      'ms' in delay ? (['ms', delay.ms] as const) : (['quantile', delay.quantile] as const);
    const other = latest.get(unit);
    if (other && value < other.value)
      return `${name} starts before ${other.name} but stands behind it; list them in the order in which they start`;
    latest.set(unit, { name, value });
  }
  return undefined;
}

const RANKS = [
  'starts at once',
  'starts after a time',
  'starts after a failed attempt',
  'starts after a failure',
];
const UNTIMED_RANKS: readonly (StartRule | undefined)[] = [
  'at-once',
  undefined,
  'after-failed-attempt',
  'after-failure',
];

/** How many hedges the runs of a task may have, as a percentage of the runs such as `10%`, or `off`. */
export const hedgeBudgetSchema = z
  .string()
  .regex(/^(\d{1,4}(\.\d{1,2})?%|off)$/, 'takes a percentage such as 10% or 200%, or off')
  .meta({
    description:
      'How many sub-tasks may be started because time has passed (`after`), as a share of the task’s last runs; past it they wait for a failure. Above 100% where runs have several. off: no bound.',
    examples: ['10%'],
  });

/** How many hedges a run may have on average; Infinity for no bound. */
export function hedgeShare(budget: string): number {
  return budget === 'off' ? Infinity : Number.parseFloat(budget) / 100;
}

export const DEFAULT_HEDGE_BUDGET = '10%';
