import type { LoopDelay } from '../probes/answer.ts';
import type { ServerSpec } from '../servers/server-spec.ts';
import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';

/** What was seen in a part of the steady load. */
export interface Part {
  readonly delay: LoopDelay;
  readonly lap: Lap;
  readonly commitsPerSecond: number;
  /** CPU time over elapsed time. */
  readonly serverShare: number;
}

export interface Measured {
  readonly spec: ServerSpec;
  readonly idle: LoopDelay;
  /** While the load began. */
  readonly early: Lap;
  readonly parts: readonly Part[];
}

/** In milliseconds. */
const MOST_DELAY = 20;

/** The winner's sleep, in milliseconds. */
const REPLY_AFTER = 1000;

/** A row a figure, a column a server: the median of the parts, and how far they spread. */
export function resultTable(measured: readonly Measured[]): Table {
  const row = (label: string, of: (each: Measured) => string) => [label, ...measured.map(of)];
  const median = (label: string, decimals: number, of: (part: Part) => number) =>
    row(label, ({ parts }) => figure(summarize(parts.map(of)).median, decimals));
  const spread = (label: string, decimals: number, of: (part: Part) => number) =>
    row(label, ({ parts }) => {
      const { median, min, max } = summarize(parts.map(of));
      return `${figure(median, decimals)} (${figure(min, decimals)} to ${figure(max, decimals)})`;
    });
  return {
    head: ['', ...measured.map(({ spec }) => `(${spec.key}) ${spec.name}`)],
    rows: [
      median('runs/s', 0, ({ lap }) => lap.completed / lap.seconds),
      row('loop delay idle, p99 ms', ({ idle }) => figure(idle.p99, 1)),
      median('loop delay, p50 ms', 1, ({ delay }) => delay.p50),
      spread('loop delay, p99 ms', 1, ({ delay }) => delay.p99),
      spread('loop delay, longest ms', 1, ({ delay }) => delay.max),
      median('over 1 s at p50, ms', 1, ({ lap }) => lap.p50 - REPLY_AFTER),
      median('over 1 s at p99, ms', 1, ({ lap }) => lap.p99 - REPLY_AFTER),
      median('core used, %', 0, ({ serverShare }) => serverShare * 100),
      median('commits/s', 0, ({ commitsPerSecond }) => commitsPerSecond),
      row('faulty answers', (each) => figure(faultsOf(each))),
    ],
  };
}

export function notes(disk: Disk): string[] {
  return [
    'Runs are started evenly, and their sub-tasks take the real 1, 5 and 3 seconds: 9 events a run. In brackets: the',
    'spread over five parts of the load. The delay is perf_hooks.monitorEventLoopDelay of the main thread, at a',
    'resolution of 1 ms, which is in each figure.',
    diskLine(disk),
  ];
}

export function goals(measured: readonly Measured[], rate: number): Goal[] {
  return measured
    .filter(({ spec }) => spec.key === 'a')
    .flatMap((each) => {
      const { median } = summarize(each.parts.map(({ delay }) => delay.p99));
      const started = summarize(each.parts.map(({ lap }) => lap.completed / lap.seconds)).median;
      return [
        {
          goal: `(a) an event loop's p99 delay under ${MOST_DELAY} ms at ${figure(rate)} runs/s`,
          measured: `${figure(median, 1)} ms at ${figure(started)} runs/s`,
          // Fewer runs than were asked for would prove nothing.
          reached: median < MOST_DELAY && started > rate * 0.98,
        },
        {
          goal: '(a) no faulty answer',
          measured: `${figure(faultsOf(each))} of them`,
          reached: faultsOf(each) === 0,
        },
      ];
    });
}

function faultsOf({ early, parts }: Measured): number {
  return [early, ...parts.map(({ lap }) => lap)].reduce((total, lap) => total + faults(lap), 0);
}
