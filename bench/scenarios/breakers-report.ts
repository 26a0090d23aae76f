import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import { PACES, SPREAD } from '../support/order-upstream-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios } from '../support/statistics.ts';
import { figure, spread, type Table } from '../support/table.ts';

/** How many runs may find out that an upstream is down, and how many are measured then. */
export const DETECTING_RUNS = 20;
export const MEASURED_RUNS = 300;
/** How long an attempt of the one that is down takes to fail, in milliseconds. */
export const TIMEOUT_MS = 500;

export interface Part {
  readonly lap: Lap;
  /** Requests to all three upstreams. */
  readonly requests: number;
}

/** A service that knows nothing at first, and is started again at last. */
export interface BreakersTurn {
  readonly round: number;
  /** All up, right after a start. */
  readonly started: Part;
  readonly up: Part;
  /** The first runs with the first upstream down. */
  readonly detecting: Part;
  readonly down: Part;
  /** The same right after a restart. */
  readonly restarted: Part;
  /** The same without breakers. */
  readonly without: Part;
}

const PARTS = ['started', 'up', 'detecting', 'down', 'restarted', 'without'] as const;

const NAMES: Readonly<Record<(typeof PARTS)[number], string>> = {
  started: `all up, first ${MEASURED_RUNS} after a start`,
  up: `all up, next ${MEASURED_RUNS}`,
  detecting: `one down, first ${DETECTING_RUNS} runs`,
  down: `one down, next ${MEASURED_RUNS} runs`,
  restarted: `one down, first ${MEASURED_RUNS} after a restart`,
  without: 'one down, no breaker',
};

/** What counts as the same p99. */
const SAME = 1.1;

export function resultTable(turns: readonly BreakersTurn[]): Table {
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
      row('upstream requests a run', 2, ({ lap, requests }) => requests / lap.completed),
      row('runs', 0, ({ lap }) => lap.completed),
      row('faulty answers', 0, ({ lap }) => faults(lap)),
    ],
  };
}

export function notes(rate: number, seed: number, disk: Disk): string[] {
  return [
    `${figure(rate)} runs are started a second, evenly. Three upstreams take ${PACES.middle} ms, ${SPREAD * 100} % more or less: the first starts at once, the second`,
    `after: p95, the third after-failure. The one that is down is the first: it takes connections and never answers, and its attempts time out after ${TIMEOUT_MS} ms.`,
    `breaker: true, so with the defaults. Losers are cancelled. Each turn begins with an empty journal. Random numbers are of the seed ${seed} and those behind it.`,
    `Medians of the turns, and how far they spread.`,
    diskLine(disk),
  ];
}

export function goals(turns: readonly BreakersTurn[]): Goal[] {
  const p99 = (part: (typeof PARTS)[number]) => turns.map((turn) => turn[part].lap.p99);
  const goal = (name: string, part: 'down' | 'restarted', base: 'up' | 'started'): Goal => {
    const { median } = ratios(p99(part), p99(base));
    return { goal: name, measured: `${figure(median, 2)} times`, reached: median <= SAME };
  };
  const within = `a p99 within ${Math.round((SAME - 1) * 100)} % of all up`;
  return [
    goal(`with one of three upstreams down, after ${DETECTING_RUNS} runs ${within}`, 'down', 'up'),
    goal(`right after a restart ${within} right after a start`, 'restarted', 'started'),
  ];
}
