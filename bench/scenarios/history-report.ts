import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { figure, type Table } from '../support/table.ts';

/** How one query of the history was answered. */
export interface Reading {
  readonly query: string;
  readonly alone: Lap;
  /** While runs are written. */
  readonly besideWrites: Lap;
  readonly writing: Lap;
}

export interface Measured {
  readonly readings: readonly Reading[];
  /** How single runs are read, and meanwhile pages of the history as fast as they are answered. */
  readonly oneRun: { readonly alone: Lap; readonly besidePages: Lap; readonly paging: Lap };
}

/** In milliseconds. */
const SLOWEST_PAGE = 20;

export function resultTable({ readings, oneRun }: Measured, writes: number): Table {
  const cells = (lap: Lap) => [figure(lap.p50, 2), figure(lap.p99, 2)];
  return {
    head: ['', 'p50 ms', 'p99 ms', `p50 ms, ${writes} written/s`, `p99 ms, ${writes} written/s`],
    rows: [
      ...readings.map(({ query, alone, besideWrites }) => [
        `GET /runs${readable(query)}`,
        ...cells(alone),
        ...cells(besideWrites),
      ]),
      ['GET /runs/{id}', ...cells(oneRun.alone), '', ''],
      ['GET /runs/{id}, beside pages of 200', ...cells(oneRun.besidePages), '', ''],
    ],
  };
}

/** Without times and cursors, which are others every time. */
function readable(query: string): string {
  const shown = query
    .replace(/since=[^&]*&until=[^&]*/, 'since=…&until=…')
    .replace(/cursor=[^&]*/, 'cursor=…');
  return shown === '?' ? '' : shown;
}

export function notes({ oneRun: { paging } }: Measured, runs: number): string[] {
  return [
    `Of ${figure(runs)} runs over seven days, one in a hundred was of another task, one in a hundred partly failed, and of the`,
    'oldest, 100 had failed and 100 were of the task `rare`. `since` and `until` bound the first day. One caller asked',
    `again as soon as it was answered. Beside the reads of single runs, another got ${figure(paging.completed / paging.seconds)} pages a second.`,
  ];
}

export function goals({ readings, oneRun }: Measured): Goal[] {
  const slowest = (of: (reading: Reading) => Lap) =>
    readings.reduce((worst, reading) => (of(reading).p99 > of(worst).p99 ? reading : worst));
  const laps = readings.flatMap(({ alone, besideWrites, writing }) => [alone, besideWrites, writing]);
  const bad = [...laps, ...Object.values(oneRun)].reduce((total, lap) => total + faults(lap), 0);
  const page = (when: string, of: (reading: Reading) => Lap): Goal => {
    const worst = slowest(of);
    return {
      goal: `GET /runs under ${SLOWEST_PAGE} ms at p99 by any filter, ${when}`,
      measured: `${figure(of(worst).p99, 2)} ms for ${readable(worst.query) || 'all'}`,
      reached: of(worst).p99 < SLOWEST_PAGE,
    };
  };
  return [
    page('alone', ({ alone }) => alone),
    page('beside writes', ({ besideWrites }) => besideWrites),
    { goal: 'no faulty answer', measured: `${figure(bad)} of them`, reached: bad === 0 },
  ];
}
