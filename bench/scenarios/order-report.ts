import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import { PACES, SPREAD, type OrderUpstreamLap } from '../support/order-upstream-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure, spread, type Table } from '../support/table.ts';

/** How many runs may have another order than the best one, and how many are measured then. */
export const LEARNING_RUNS = 100;
export const MEASURED_RUNS = 300;

export interface Part {
  readonly lap: Lap;
  readonly upstream: OrderUpstreamLap;
  /** How many were started. */
  readonly runs: number;
}

/** A service that knows nothing at first, and is started again at last. */
export interface OrderTurn {
  readonly round: number;
  /** The first runs. */
  readonly learning: Part;
  readonly learned: Part;
  /** Of the best upstream alone. */
  readonly best: Part;
  /** In the order that is declared. */
  readonly declared: Part;
  /** The first runs after a restart. */
  readonly restarted: Part;
}

const PARTS = ['learning', 'learned', 'best', 'declared', 'restarted'] as const;

const NAMES: Readonly<Record<(typeof PARTS)[number], string>> = {
  learning: `learned, first ${LEARNING_RUNS} runs`,
  learned: `learned, next ${MEASURED_RUNS} runs`,
  best: 'best upstream alone',
  declared: 'as declared',
  restarted: `learned, first ${LEARNING_RUNS} after a restart`,
};

/** What counts as the same p50. */
const SAME = 1.1;
/** The default hedge budget. */
const BUDGET = 0.1;

export function resultTable(turns: readonly OrderTurn[]): Table {
  const row = (label: string, decimals: number, of: (part: Part) => number) => [
    label,
    ...PARTS.map((part) =>
      spread(
        turns.map((turn) => of(turn[part])),
        decimals,
      ),
    ),
  ];
  return {
    head: ['', ...PARTS.map((part) => NAMES[part])],
    rows: [
      row('reply p50, ms', 1, ({ lap }) => lap.p50),
      row('reply p99, ms', 1, ({ lap }) => lap.p99),
      row('extra upstream requests, %', 2, (part) => extraOf(part) * 100),
      row('runs', 0, ({ runs }) => runs),
      row('faulty answers', 0, ({ lap }) => faults(lap)),
    ],
  };
}

export function notes(rate: number, seed: number, disk: Disk): string[] {
  const { worst, middle, best } = PACES;
  return [
    `${figure(rate)} runs are started a second, evenly. Three upstreams take ${worst}, ${middle} and ${best} ms, ${SPREAD * 100} % more or less, and are declared in that`,
    `order: the first at once, the second after: p95, the third after-failure. Losers are cancelled; the hedge budget is ${BUDGET * 100} %. Each turn begins with an`,
    `empty journal. Random numbers are of the seed ${seed} and those behind it.`,
    `Medians of the turns, and how far they spread.`,
    diskLine(disk),
  ];
}

export function goals(turns: readonly OrderTurn[]): Goal[] {
  const p50 = (part: (typeof PARTS)[number]) => turns.map((turn) => turn[part].lap.p50);
  const learned = ratios(p50('learned'), p50('best')).median;
  const restarted = ratios(p50('restarted'), p50('best')).median;
  const extra = summarize(turns.map(({ learning, learned }) => extraOf(learning, learned))).max;
  return [
    {
      goal: `after ${LEARNING_RUNS} runs, a p50 within ${Math.round((SAME - 1) * 100)} % of the best upstream’s`,
      measured: `${figure(learned, 2)} times`,
      reached: learned <= SAME,
    },
    {
      goal: 'right after a restart, the same',
      measured: `${figure(restarted, 2)} times`,
      reached: restarted <= SAME,
    },
    {
      goal: `at most ${BUDGET * 100} % more upstream requests, in every turn`,
      measured: `${figure(extra * 100, 2)} %`,
      reached: extra <= BUDGET,
    },
  ];
}

/** The upstreams' requests over what one for each run would have been. */
function extraOf(...parts: readonly Part[]): number {
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0);
  return sum(({ upstream }) => upstream.requests) / sum(({ runs }) => runs) - 1;
}
