import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { ReadersLap, Watch } from '../support/readers-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';

/** What was seen in one turn, of which each with readers has one without before it. */
export interface ReadersTurn {
  readonly round: number;
  /** The readers of the pair of turns that it belongs to. */
  readonly pair: Watch;
  readonly watch: Watch | 'none';
  readonly lap: Lap;
  readonly seen: ReadersLap;
  /** p99 of the delay of the event loop, in milliseconds. */
  readonly delay: number;
  /** CPU time over elapsed time. */
  readonly serverShare: number;
}

interface Metric {
  readonly label: string;
  readonly decimals: number;
  readonly of: (turn: ReadersTurn) => number;
}

/** The winner's sleep, in milliseconds. */
const REPLY_AFTER = 1000;

const RUNS: Metric = { label: 'runs/s', decimals: 0, of: ({ lap }) => lap.completed / lap.seconds };
const P50: Metric = { label: 'over 1 s at p50, ms', decimals: 1, of: ({ lap }) => lap.p50 - REPLY_AFTER };
const P99: Metric = { label: 'over 1 s at p99, ms', decimals: 1, of: ({ lap }) => lap.p99 - REPLY_AFTER };
const CORE: Metric = { label: 'core used, %', decimals: 0, of: ({ serverShare }) => serverShare * 100 };
const WRITERS: readonly Metric[] = [
  RUNS,
  P50,
  P99,
  CORE,
  { label: 'loop delay, p99 ms', decimals: 1, of: ({ delay }) => delay },
];
const OF_READERS: readonly Metric[] = [
  { label: 'events read/s', decimals: 0, of: ({ seen }) => seen.events / seen.seconds },
  { label: 'MB read/s', decimals: 1, of: ({ seen }) => seen.bytes / seen.seconds / 1e6 },
  { label: 'streams opened/s', decimals: 0, of: ({ seen }) => seen.opened / seen.seconds },
  { label: 'events late by, p50 ms', decimals: 0, of: ({ seen }) => seen.lateP50 },
  { label: 'events late by, p99 ms', decimals: 0, of: ({ seen }) => seen.lateP99 },
  { label: 'readers’ own core, %', decimals: 0, of: ({ seen }) => seen.share * 100 },
];

const NAMES: Readonly<Record<Watch, string>> = {
  ends: 'type=run.finished',
  runs: 'a run each',
  everything: 'every event',
};

/** A row a figure; for each kind of readers a column without them, and one with: medians over the rounds. */
export function resultTable(turns: readonly ReadersTurn[], watches: readonly Watch[]): Table {
  const median = (metric: Metric, pair: Watch, watch: Watch | 'none') =>
    figure(summarize(valuesOf(turns, metric, pair, watch)).median, metric.decimals);
  return {
    head: ['', ...watches.flatMap((watch) => ['none', NAMES[watch]])],
    rows: [
      ...WRITERS.map((metric) => [
        metric.label,
        ...watches.flatMap((watch) => [median(metric, watch, 'none'), median(metric, watch, watch)]),
      ]),
      ...OF_READERS.map((metric) => [
        metric.label,
        ...watches.flatMap((watch) => ['', median(metric, watch, watch)]),
      ]),
    ],
  };
}

export function notes(readers: number, rate: number, disk: Disk): string[] {
  return [
    `${figure(rate)} runs are started a second, evenly, with the real sleeps of 1, 5 and 3 seconds: 9 events a run. Turns without`,
    `readers and with ${figure(readers)} of them alternate. Readers share the core of the load generator, so the latencies have some`,
    'of their work in them; the core that the server uses has none.',
    diskLine(disk),
  ];
}

/** Readers may take a twentieth of the event loop’s time; the rest is for what they make the system do. */
const MOST_POINTS = 6;

export function goals(turns: readonly ReadersTurn[]): Goal[] {
  const bad = turns.reduce((total, { lap, seen }) => total + faults(lap) + seen.errors, 0);
  const runs = ratios(valuesOf(turns, RUNS, 'ends', 'ends'), valuesOf(turns, RUNS, 'ends', 'none')).median;
  const without = valuesOf(turns, CORE, 'ends', 'none');
  const points = summarize(
    valuesOf(turns, CORE, 'ends', 'ends').map((share, round) => share - (without[round] ?? NaN)),
  ).median;
  return [
    {
      goal: `readers of ${NAMES.ends}: as many runs a second, and at most ${MOST_POINTS} % of a core`,
      measured: `${figure(runs, 2)} times the runs/s, ${figure(points, 1)} % of a core more`,
      reached: runs > 0.98 && points <= MOST_POINTS,
    },
    {
      goal: 'no faulty answer, no stream that breaks off',
      measured: `${figure(bad)} of them`,
      reached: bad === 0,
    },
  ];
}

function valuesOf(
  turns: readonly ReadersTurn[],
  { of }: Metric,
  pair: Watch,
  watch: Watch | 'none',
): number[] {
  return turns.filter((turn) => turn.pair === pair && turn.watch === watch).map(of);
}
