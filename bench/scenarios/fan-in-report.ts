import type { ServerSpec } from '../servers/server-spec.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { figure, type Table } from '../support/table.ts';

/** What fan-in found for one server; memory in bytes. */
export interface Measured {
  readonly spec: ServerSpec;
  readonly callers: number;
  readonly lap: Lap;
  /** CPU time over elapsed time: near 1, the server had no time left. */
  readonly serverShare: number;
  readonly idleResident: number;
  readonly resident: number;
  readonly idleHeap: number | undefined;
  readonly heap: number | undefined;
  /** When all runs have ended: the difference from idle is what the server keeps of them. */
  readonly drainedHeap: number | undefined;
}

/** The reply's and the longest sub-task's sleep in seconds: in between, a run goes on in the background. */
const REPLY_AFTER = 1;
const RUN_ENDS_AFTER = 5;

/** Runs that have begun and not ended: a caller waits for each of some, and the others go on by themselves. */
function inFlight({ callers, lap }: Measured): { background: number; total: number } {
  const background = (lap.completed / lap.seconds) * (RUN_ENDS_AFTER - REPLY_AFTER);
  return { background, total: callers + background };
}

/** A row a figure, a column a server. */
export function resultTable(measured: readonly Measured[]): Table {
  const mebibytes = (bytes: number | undefined) =>
    figure(bytes === undefined ? undefined : bytes / 2 ** 20, 1);
  const perRun = (each: Measured, more: number, idle: number) => (more - idle) / inFlight(each).total / 1024;
  const row = (label: string, of: (each: Measured) => string) => [label, ...measured.map(of)];
  return {
    head: ['', ...measured.map(({ spec }) => `(${spec.key}) ${spec.name}`)],
    rows: [
      row('callers at a time', ({ callers }) => figure(callers)),
      row('replies/s', ({ lap }) => figure(lap.completed / lap.seconds)),
      row('over 1 s at p50, ms', ({ lap }) => figure(lap.p50 - REPLY_AFTER * 1000, 2)),
      row('over 1 s at p99, ms', ({ lap }) => figure(lap.p99 - REPLY_AFTER * 1000, 2)),
      row('core used, %', ({ serverShare }) => figure(serverShare * 100)),
      row('errors', ({ lap }) => figure(lap.errors)),
      row('other than 2xx', ({ lap }) => figure(lap.non2xx)),
      row('another winner', ({ lap }) => figure(lap.otherWinners)),
      row('wrong bodies', ({ lap }) => figure(lap.wrongBodies)),
      row('runs in flight', (each) => figure(inFlight(each).total)),
      row('RSS idle, MiB', ({ idleResident }) => mebibytes(idleResident)),
      row('RSS loaded, MiB', ({ resident }) => mebibytes(resident)),
      row('RSS a run, KiB', (each) => figure(perRun(each, each.resident, each.idleResident), 1)),
      row('live heap idle, MiB', ({ idleHeap }) => mebibytes(idleHeap)),
      row('live heap loaded, MiB', ({ heap }) => mebibytes(heap)),
      row('live heap drained, MiB', ({ drainedHeap }) => mebibytes(drainedHeap)),
      row('live heap a run, KiB', (each) =>
        figure(perRun(each, each.heap ?? NaN, each.drainedHeap ?? NaN), 1),
      ),
    ],
  };
}

export function notes(measured: readonly Measured[], ramp: number): string[] {
  return [
    ...measured.map((each) => {
      const { background, total } = inFlight(each);
      const rate = figure(each.lap.completed / each.lap.seconds);
      return (
        `(${each.spec.key}) ${figure(each.callers)} runs with a waiting caller + ${rate} replies/s × ` +
        `${String(RUN_ENDS_AFTER - REPLY_AFTER)} s in the background (${figure(background)}) = ${figure(total)} in flight.`
      );
    }),
    `Connections were opened over ${figure(ramp / 1000, 1)} s, not at once. Errors count from the first of them on.`,
    'RSS a run = (loaded − idle) / runs in flight; it includes garbage and the finished runs that are kept.',
    'Live heap a run = (loaded − drained) / runs in flight: what a full collection leaves under load, less what',
    'it leaves when all runs have ended, which is the code and the finished runs that are kept.',
    'The latency is as the generator saw it, so its own delays are in it: all callers share one process.',
    'A caller asks again as soon as it is answered: callers that a busy server answered together stay together,',
    'and wait for each other in every later second.',
  ];
}

export function goals(measured: readonly Measured[]): Goal[] {
  return measured
    .filter(({ spec }) => spec.key === 'a')
    .map(({ lap }) => ({
      goal: 'no errors',
      measured: `${figure(faults(lap))} faulty answers`,
      reached: faults(lap) === 0,
    }));
}
