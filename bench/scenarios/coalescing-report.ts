import { UPSTREAM_MS, type CrowdLap } from '../support/crowd-protocol.ts';
import { diskLine, type Disk } from '../support/disk.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, spread, type Table } from '../support/table.ts';

export const CALLERS = 1_000;
/** How long after the first one the last of a crowd comes, in milliseconds. */
export const SPREAD_MS = 500;
/** How often one asks alone in a turn. */
export const ONE_AFTER_ANOTHER = 10;
/** What a caller in a crowd may wait longer than one alone, in milliseconds. */
const MORE_MS = 10;

export interface CoalescingTurn {
  readonly round: number;
  readonly alone: readonly CrowdLap[];
  readonly spread: CrowdLap;
  readonly atOnce: CrowdLap;
  /** With a run for each caller. */
  readonly each: CrowdLap;
}

type Part = Exclude<keyof CoalescingTurn, 'round'>;

const NAMES: Readonly<Record<Part, string>> = {
  alone: 'one caller',
  spread: `${figure(CALLERS)} within ${SPREAD_MS} ms`,
  atOnce: `${figure(CALLERS)} at once`,
  each: 'the same, a run each',
};
const PARTS: readonly Part[] = ['alone', 'spread', 'atOnce', 'each'];

export function resultTable(turns: readonly CoalescingTurn[]): Table {
  const row = (label: string, decimals: number, of: (laps: readonly CrowdLap[]) => number) => [
    label,
    ...PARTS.map((part) =>
      spread(
        turns.map((turn) => of([turn[part]].flat())),
        decimals,
      ),
    ),
  ];
  return {
    head: ['', ...PARTS.map((part) => NAMES[part])],
    rows: [
      row('reply p50, ms', 1, (laps) => quantile(laps, 0.5)),
      row('reply p99, ms', 1, (laps) => quantile(laps, 0.99)),
      row('calls of the upstream a crowd', 0, (laps) => sum(laps, ({ calls }) => calls) / laps.length),
      row('runs a crowd', 0, (laps) => sum(laps, ({ runs }) => runs) / laps.length),
      row('faulty answers', 0, (laps) => sum(laps, ({ faults }) => faults)),
    ],
  };
}

export function notes(seed: number, disk: Disk): string[] {
  return [
    `The upstream takes ${figure(UPSTREAM_MS)} ms. All callers of a crowd send the same input, over connections that are open; one caller asks ${ONE_AFTER_ANOTHER} times, each time another`,
    `input. Callers and upstream are one process. What a request and an answer cost is in the waits: at once, ${figure(CALLERS)} requests have to be read before the`,
    `last of them is. Inputs are of the seed ${seed}. Medians of the turns, and how far they spread.`,
    diskLine(disk),
  ];
}

export function goals(turns: readonly CoalescingTurn[]): Goal[] {
  const crowds = turns.flatMap(({ spread, atOnce }) => [spread, atOnce]);
  const calls = summarize(crowds.map(({ calls }) => calls)).max;
  const runs = summarize(crowds.map(({ runs }) => runs)).max;
  const more = (part: Part) =>
    summarize(turns.map((turn) => quantile([turn[part]].flat(), 0.99) - quantile(turn.alone, 0.99))).median;
  return [
    {
      goal: 'one call of the upstream a crowd, and its run for all',
      measured: `${figure(calls)} calls and ${figure(runs)} runs at most`,
      reached: calls === 1 && runs === 1,
    },
    ...(['spread', 'atOnce'] as const).map((part) => ({
      goal: `${NAMES[part]}: a p99 of at most ${MORE_MS} ms more than one caller’s`,
      measured: `${figure(more(part), 1)} ms`,
      reached: more(part) <= MORE_MS,
    })),
  ];
}

function quantile(laps: readonly CrowdLap[], share: number): number {
  const waits = laps.flatMap((lap) => lap.waits).toSorted((one, other) => one - other);
  return waits[Math.ceil(share * waits.length) - 1] ?? NaN;
}

function sum(laps: readonly CrowdLap[], of: (lap: CrowdLap) => number): number {
  return laps.reduce((total, lap) => total + of(lap), 0);
}
