import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, spread, type Table } from '../support/table.ts';

/** The small tenant by itself, beside a burst of another one, and beside one whose key is bounded. */
export const VARIANTS = ['alone', 'beside', 'bounded'] as const;

export type Variant = (typeof VARIANTS)[number];

export interface FairnessTurn {
  readonly round: number;
  readonly variant: Variant;
  readonly lap: Lap;
  /** How many runs waited for a slot when the measured part began, and when it ended. */
  readonly queued: { readonly before: number; readonly after: number };
}

export const BURST = 10_000;
const MOST_ADDED_MS = 5;

const NAMES: Readonly<Record<Variant, string>> = {
  alone: 'alone',
  beside: 'beside a burst',
  bounded: 'beside a burst with concurrencyPerKey',
};

export function resultTable(turns: readonly FairnessTurn[]): Table {
  const row = (label: string, decimals: number, of: (turn: FairnessTurn) => number) => [
    label,
    ...VARIANTS.map((variant) => spread(valuesOf(turns, variant, of), decimals)),
  ];
  return {
    head: ['', ...VARIANTS.map((variant) => NAMES[variant])],
    rows: [
      row('reply p50, ms', 1, ({ lap }) => lap.p50),
      row('reply p99, ms', 1, ({ lap }) => lap.p99),
      row('reply p99.9, ms', 1, ({ lap }) => lap.p999),
      row('runs/s', 0, ({ lap }) => lap.completed / lap.seconds),
      row('runs that wait, at least', 0, ({ queued }) => Math.min(queued.before, queued.after)),
      row('faulty answers', 0, ({ lap }) => faults(lap)),
    ],
  };
}

export interface Terms {
  readonly rate: number;
  readonly slots: number;
  readonly bound: number;
  readonly burstMs: readonly [number, number];
  readonly replyMs: number;
  readonly seed: number;
}

export function notes({ rate, slots, bound, burstMs, replyMs, seed }: Terms, disk: Disk): string[] {
  return [
    `${figure(rate)} runs of a small tenant are started a second, evenly; their one sub-task takes ${replyMs} ms. The burst of the other tenant has ${figure(BURST)} runs`,
    `waiting or more throughout, whose sub-task takes ${burstMs.join(' to ')} ms. Both share ${slots} slots; concurrencyPerKey is ${bound}. Random numbers are of the seed ${seed}`,
    `and those behind it. Each turn begins with an empty journal. Medians of the turns, and how far they spread; turns of the variants alternate.`,
    diskLine(disk),
  ];
}

export function goals(turns: readonly FairnessTurn[]): Goal[] {
  const alone = valuesOf(turns, 'alone', ({ lap }) => lap.p99);
  const added = (variant: Variant) =>
    summarize(valuesOf(turns, variant, ({ lap }) => lap.p99).map((p99, at) => p99 - (alone[at] ?? NaN)))
      .median;
  return (['beside', 'bounded'] as const).map((variant) => ({
    goal: `${NAMES[variant]} of ${figure(BURST)} runs, a p99 at most ${MOST_ADDED_MS} ms later than alone in the same round`,
    measured: `${figure(added(variant), 1)} ms`,
    reached: added(variant) <= MOST_ADDED_MS,
  }));
}

function valuesOf(
  turns: readonly FairnessTurn[],
  variant: Variant,
  of: (turn: FairnessTurn) => number,
): number[] {
  return turns.filter((turn) => turn.variant === variant).map(of);
}
