import type { ServerKey } from '../servers/server-spec.ts';
import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';
import type { Turn } from '../support/turn.ts';

/** From the start of the process to ready, in milliseconds. */
export interface Starts {
  readonly full: readonly number[];
  readonly empty: readonly number[];
  /** On the full store, none of it in memory; empty where that can't be had. */
  readonly cold: readonly number[];
}

/** How runs are read. */
export interface Conditions {
  /** Callers that each ask for run after run. */
  readonly callers: number;
  /** Runs a second that are written meanwhile. */
  readonly writes: number;
  /** Whether the system had nothing of the file in memory in the beginning. */
  readonly cold: boolean;
}

export interface Reading extends Conditions {
  readonly server: ServerKey;
  /** What the readers saw. */
  readonly lap: Lap;
  /** What the writers saw. */
  readonly writing: Lap;
}

/** A database's file, once the service has closed it. */
interface Size {
  readonly bytes: number;
  readonly runs: number;
}

export interface Measured {
  readonly starts: Starts;
  /** Of each way to read, first the full store's and then the empty one's. */
  readonly readings: readonly Reading[];
  /** The turns of the full store (a) and of the empty one (e). */
  readonly rounds: readonly (readonly Turn[])[];
  readonly stored: Size;
  /** The empty store after its turns. */
  readonly written: Size;
}

/** In milliseconds. */
const SLOWEST_START = 2000;
const SLOWEST_READ = 5;

/** The least share of the empty store's write rate. */
const LEAST_WRITES = 0.8;

export function resultTable({ starts, readings, rounds, stored, written }: Measured): Table {
  const median = (values: readonly number[], decimals = 0) =>
    figure(values.length === 0 ? undefined : summarize(values).median, decimals);
  const highest = (values: readonly number[]) =>
    figure(values.length === 0 ? undefined : Math.max(...values));
  const compared = (label: string, decimals: number, of: (turn: Turn) => number) => {
    const [full, empty] = [valuesOf(rounds, 'a', of), valuesOf(rounds, 'e', of)];
    return [label, median(full, decimals), median(empty, decimals), figure(ratios(full, empty).median, 2)];
  };
  const read = (label: string, decimals: number, { full, empty }: Reads, of: (lap: Lap) => number) => [
    `GET /runs/<id>, ${describe(full)}, ${label}`,
    figure(of(full.lap), decimals),
    figure(of(empty.lap), decimals),
    figure(of(full.lap) / of(empty.lap), 2),
  ];
  const bytesARun = ({ bytes, runs }: Size) => figure(bytes / runs);
  return {
    head: ['', `(a) ${figure(stored.runs)} runs`, '(e) empty', 'ratio'],
    rows: [
      [
        'start to ready, ms',
        median(starts.full),
        median(starts.empty),
        figure(ratios(starts.full, starts.empty).median, 2),
      ],
      ['start to ready, slowest, ms', highest(starts.full), highest(starts.empty), ''],
      ['start to ready, file not in memory, ms', median(starts.cold), '', ''],
      ...readsOf(readings).flatMap((pair) => [
        read('p50 ms', 2, pair, (lap) => lap.p50),
        read('p99 ms', 2, pair, (lap) => lap.p99),
        read('answers/s', 0, pair, (lap) => lap.completed / lap.seconds),
      ]),
      compared('runs written/s', 0, (turn) => turn.requestsPerSecond),
      compared('CPU µs a run written', 1, (turn) => turn.cpuPerRequest),
      ['bytes on disk a run', bytesARun(stored), bytesARun(written), ''],
      ['database, MiB', figure(stored.bytes / 2 ** 20), figure(written.bytes / 2 ** 20), ''],
    ],
  };
}

export function notes(
  { stored, written, rounds, readings }: Measured,
  connections: number,
  disk: Disk,
): string[] {
  const turns = rounds.flat();
  const busiest = Math.max(...[...turns, ...readings.map(({ lap }) => lap)].map((lap) => lap.generatorShare));
  return [
    `Read were random ones of the ${figure(stored.runs)} runs, and the one run that (e) began with. Callers ask again as soon as`,
    'they have their answer, so 16 take all of the server’s core. Unless it says otherwise, the system had the whole file in',
    `memory. Both stores were then written to in turns, each as fast as ${figure(connections)} callers were answered; (e) held`,
    `${figure(written.runs)} runs in the end. Bytes on disk are those of the closed file, of (e) as the service wrote it under load;`,
    'while it is open, its log comes on top.',
    diskLine(disk),
    `At its busiest, the generator used ${figure(busiest * 100)} % of its core.`,
  ];
}

export function goals({ starts, readings, rounds, stored }: Measured): Goal[] {
  const start = summarize(starts.full).median;
  const rate = (turn: Turn) => turn.requestsPerSecond;
  const share = ratios(valuesOf(rounds, 'a', rate), valuesOf(rounds, 'e', rate)).median;
  const laps = [...rounds.flat(), ...readings.flatMap(({ lap, writing }) => [lap, writing])];
  const bad = laps.reduce((total, lap) => total + faults(lap), 0);
  return [
    {
      goal: `with ${figure(stored.runs)} runs ready in less than ${figure(SLOWEST_START)} ms`,
      measured: `${figure(start)} ms`,
      reached: start < SLOWEST_START,
    },
    ...readsOf(readings.filter(({ cold }) => !cold)).map(({ full, empty }) => ({
      goal: `GET /runs/<id> under ${SLOWEST_READ} ms at p99, ${describe(full)}`,
      measured: `${figure(full.lap.p99, 2)} ms; (e) ${figure(empty.lap.p99, 2)} ms`,
      reached: full.lap.p99 < SLOWEST_READ,
    })),
    {
      goal: `at least ${LEAST_WRITES} of the write rate of an empty store`,
      measured: `${figure(share, 2)} of it`,
      reached: share >= LEAST_WRITES,
    },
    { goal: 'no faulty answer', measured: `${figure(bad)} of them`, reached: bad === 0 },
  ];
}

interface Reads {
  readonly full: Reading;
  readonly empty: Reading;
}

/** The readings of both stores under the same conditions. */
function readsOf(readings: readonly Reading[]): Reads[] {
  return readings
    .filter(({ server }) => server === 'a')
    .flatMap((full) => {
      const alike = (each: Reading) => each.server === 'e' && describe(each) === describe(full);
      return readings.filter(alike).map((empty) => ({ full, empty }));
    });
}

export function describe({ callers, writes, cold }: Conditions): string {
  const file = cold ? ', file not in memory' : '';
  return `${callers} at a time${writes > 0 ? `, ${figure(writes)} written/s` : ''}${file}`;
}

function valuesOf(rounds: Measured['rounds'], key: ServerKey, of: (turn: Turn) => number): number[] {
  return rounds
    .flat()
    .filter(({ server }) => server === key)
    .map(of);
}
