import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';

/** One start on what a crash has left. */
export interface Recovered {
  /** From the start of the process to ready, in milliseconds. */
  readonly readyMs: number;
  /** From ready to the start of the last sub-task, in milliseconds; below 0 when that came first. */
  readonly startedMs: number;
  /** The most memory until then, in bytes. */
  readonly resident: number;
}

export interface Measured {
  readonly runs: number;
  readonly subTasks: number;
  /** When the last sub-task can start at the earliest, in milliseconds after the first. */
  readonly earliestMs: number;
  readonly recovered: readonly Recovered[];
}

/** MAX_CONCURRENT_SUB_TASKS by default. */
const CONCURRENCY = 20_000;

/** What the demo's sub-tasks take, in seconds and in their order. */
const SLEEPS = [1, 5, 3];

/** In milliseconds, where the bound lets all start at once. */
const LATEST_START = 2000;

/** When the last of so many can start at the earliest, if each waits in line for a slot; ms after the first. */
export function earliestEnd(subTasks: number): number {
  const ends: number[] = [];
  let free = CONCURRENCY;
  let started = 0;
  for (let second = 0; ; second++) {
    free += ends[second] ?? 0;
    for (; free > 0 && started < subTasks; free--, started++) {
      const end = second + (SLEEPS[started % SLEEPS.length] ?? NaN);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    if (started === subTasks) return second * 1000;
  }
}

/** A row a figure, a column a number of sub-tasks. */
export function resultTable(measured: readonly Measured[]): Table {
  const row = (label: string, of: (each: Measured) => string) => [label, ...measured.map(of)];
  const spread = (label: string, of: (start: Recovered) => number) =>
    row(label, ({ recovered }) => {
      const { median, min, max } = summarize(recovered.map(of));
      return `${figure(median)} (${figure(min)} to ${figure(max)})`;
    });
  return {
    head: ['', ...measured.map(({ subTasks }) => `${figure(subTasks)} sub-tasks`)],
    rows: [
      row('unfinished runs', ({ runs }) => figure(runs)),
      spread('start to ready, ms', ({ readyMs }) => readyMs),
      spread('ready to all started, ms', ({ startedMs }) => startedMs),
      row('at the earliest, ms', ({ earliestMs }) => figure(earliestMs)),
      spread('resident memory at most, MiB', ({ resident }) => resident / 2 ** 20),
    ],
  };
}

export function notes(): string[] {
  return [
    `At the default concurrency of ${figure(CONCURRENCY)} sub-tasks and the demo's real 1, 5 and 3 seconds. "At the earliest" is when`,
    'the bound lets the last one start: 0 where all may run at once. A start is the time of its event in the journal.',
  ];
}

export function goals(measured: readonly Measured[]): Goal[] {
  return measured.map(({ subTasks, earliestMs, recovered }) => {
    const started = summarize(recovered.map(({ startedMs }) => startedMs)).median;
    const latest = earliestMs + LATEST_START;
    return {
      goal:
        earliestMs === 0
          ? `${figure(subTasks)} sub-tasks all started within ${figure(LATEST_START)} ms of ready`
          : `${figure(subTasks)} sub-tasks all started within ${figure(LATEST_START)} ms of when the bound allows`,
      measured: `${figure(started)} of ${figure(latest)} ms`,
      reached: started <= latest,
    };
  });
}
