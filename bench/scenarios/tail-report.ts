import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, spread, type Table } from '../support/table.ts';
import { FAST_MS, SLOW_MS, SLOW_SHARE, type UpstreamLap } from '../support/upstream-protocol.ts';

/** Without hedging, with a second request after 20 ms, and with one after the p95 of the task's own replies. */
export const VARIANTS = ['none', 'fixed', 'p95'] as const;

export type Variant = (typeof VARIANTS)[number];

export interface TailTurn {
  readonly round: number;
  readonly variant: Variant;
  readonly lap: Lap;
  readonly upstream: UpstreamLap;
  /** Microseconds of CPU, of all the server's threads. */
  readonly cpuPerRun: number;
}

const NAMES: Readonly<Record<Variant, string>> = {
  none: 'no hedging',
  fixed: 'after: 20ms',
  p95: 'after: p95',
};

const LEAST_CUT = 10;
const MOST_EXTRA = 0.05;

export function resultTable(turns: readonly TailTurn[]): Table {
  const row = (label: string, decimals: number, of: (turn: TailTurn) => number) => [
    label,
    ...VARIANTS.map((variant) => spread(valuesOf(turns, variant, of), decimals)),
  ];
  return {
    head: ['', ...VARIANTS.map((variant) => NAMES[variant])],
    rows: [
      row('reply p50, ms', 1, ({ lap }) => lap.p50),
      row('reply p99, ms', 1, ({ lap }) => lap.p99),
      row('reply p99.9, ms', 1, ({ lap }) => lap.p999),
      row('extra upstream requests, %', 2, (turn) => extraOf(turn) * 100),
      row('runs/s', 0, ({ lap }) => lap.completed / lap.seconds),
      row('CPU µs/run', 0, ({ cpuPerRun }) => cpuPerRun),
      row('faulty answers', 0, ({ lap }) => faults(lap)),
    ],
  };
}

export function notes(rate: number, disk: Disk): string[] {
  return [
    `${figure(rate)} runs are started a second, evenly. The upstream takes ${FAST_MS} ms, and for one request in ${1 / SLOW_SHARE}`,
    `${SLOW_MS} ms. Losers are cancelled. Medians of the turns, and how far they spread; turns of the variants alternate.`,
    diskLine(disk),
  ];
}

export function goals(turns: readonly TailTurn[]): Goal[] {
  const p999 = (variant: Variant) => summarize(valuesOf(turns, variant, ({ lap }) => lap.p999)).median;
  const cut = p999('none') / p999('p95');
  const extra = summarize(valuesOf(turns, 'p95', extraOf)).median;
  return [
    {
      goal: `after: p95 cuts p99.9 at least ${LEAST_CUT} times`,
      measured: `${figure(cut, 1)} times`,
      reached: cut >= LEAST_CUT,
    },
    {
      goal: `for at most ${MOST_EXTRA * 100} % more upstream requests`,
      measured: `${figure(extra * 100, 2)} %`,
      reached: extra <= MOST_EXTRA,
    },
  ];
}

/** The upstream's requests over what one for each run would have been. */
function extraOf({ lap, upstream }: TailTurn): number {
  return upstream.requests / lap.completed - 1;
}

function valuesOf(turns: readonly TailTurn[], variant: Variant, of: (turn: TailTurn) => number): number[] {
  return turns.filter((turn) => turn.variant === variant).map(of);
}
