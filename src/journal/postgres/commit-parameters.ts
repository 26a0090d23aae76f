import type { RunEvent } from '../../core/events.js';
import { labelTexts } from '../../core/labels.js';
import { traceIdOf } from '../../core/run-origin.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import type { PlacedSubTask } from '../../run/sharing.js';
import { answeredByText } from '../history-rows.js';

/** The precondition under which an event is recorded; see the function `commit_group`. */
export type Guard = 'begins' | 'goes-on' | 'ends' | 'ends-from-outside' | 'reopens';

const GUARD_CODES: Readonly<Record<Guard, number>> = {
  begins: 1,
  'goes-on': 2,
  ends: 3,
  'ends-from-outside': 4,
  reopens: 5,
};

/** An event of a group. Its place in the group is its index plus 1. */
export interface Entry {
  readonly run: JournaledRun;
  readonly event: RunEvent;
  readonly ms: number;
  readonly guard: Guard | undefined;
}

/** A sub-task that leaves the node with a group, for another node to execute. */
export interface Leaving extends PlacedSubTask {
  readonly run: JournaledRun;
  /** The place of the event with which the sub-task leaves, if that event may be refused; else 0. */
  readonly after: number;
  /** When the sub-task is due, on the clock of `performance.now()`; undefined for at once. */
  readonly dueAt: number | undefined;
}

type Column = (number | null)[];

/** The parameters of `commit_group_3` that describe events, by name. */
class Parameters {
  private readonly begins = new Map<JournaledRun, number>();
  private readonly firsts = new Map<JournaledRun, number>();
  private readonly numbers: number[] = [];
  private readonly guarded: Column[] = [[], [], [], []];
  private readonly guardedNames: string[] = [];
  private readonly started: Column[] = [[], []];
  private readonly startedNames: (string | null)[][] = [[], [], [], [], []];
  private readonly ended: Column[] = [[], [], [], [], [], []];
  private readonly endedNames: (string | null)[][] = [[], [], []];

  /** @param hasRows whether the group becomes several rows */
  constructor(
    entries: readonly Entry[],
    private readonly hasRows: boolean,
  ) {
    entries.forEach((entry, index) => {
      this.add(entry, index + 1);
    });
  }

  /** The parameters from `numbers` to the last that describes events. */
  ofEvents(): unknown[] {
    const [guarded, guards, runs, attempts] = this.guarded.map(arrayOf);
    const [started, times] = this.started.map(arrayOf);
    const [ended, endedNumbers, begins, endedTimes, froms, replied] = this.ended.map(arrayOf);
    const [statuses, commits, winners] = this.endedNames;
    return [
      ...[arrayOf(this.numbers), guarded, guards, runs, this.guardedNames, attempts],
      ...[started, ...this.startedNames, times],
      ...[ended, endedNumbers, begins, statuses, endedTimes, froms, commits, replied, winners],
    ];
  }

  /** The place of the event that starts a run in this group; null where the run was started before. */
  beginOf(run: JournaledRun): number | null {
    return this.begins.get(run) ?? null;
  }

  private add({ run, event, ms, guard }: Entry, place: number): void {
    const { number } = run;
    if (this.hasRows && !this.firsts.has(run)) this.firsts.set(run, place);
    this.numbers.push(guard === undefined ? (number ?? 0) : 0);
    if (guard !== undefined) this.addGuarded(event, run, guard, place);
    else if (event.type === 'run.started') {
      this.begins.set(run, place);
      addTo(this.started, place, ms);
      const { requestId = null, traceparent } = event.data;
      const names = [
        event.runId,
        event.task,
        event.client ?? null,
        requestId,
        traceIdOf(traceparent) ?? null,
      ];
      addTo(this.startedNames, ...names);
    } else if (event.type === 'run.finished') {
      const first = this.firsts.get(run) ?? place;
      addTo(this.ended, place, number ?? null, this.beginOf(run), ms, first, run.repliedMs || null);
      addTo(this.endedNames, event.data.status, arrayOf(run.commits), answeredByText(run.answeredBy));
    }
  }

  private addGuarded(event: RunEvent, { number, commits }: JournaledRun, guard: Guard, place: number): void {
    const [name, attempt] =
      'subTask' in event ? [event.subTask, event.attempt] : [event.runId, Math.max(...commits)];
    addTo(this.guarded, place, GUARD_CODES[guard], number ?? 0, attempt);
    this.guardedNames.push(name);
  }
}

/**
 * The parameters of `commit_group_3` from `numbers` to `placed_dues`.
 *
 * @param hasRows whether the group becomes several rows
 * @param now time of the database, in milliseconds since 1970
 */
export function commitParameters(
  entries: readonly Entry[],
  hasRows: boolean,
  leaving: readonly Leaving[],
  now: number,
): unknown[] {
  const parameters = new Parameters(entries, hasRows);
  return [
    ...parameters.ofEvents(),
    leaving.map(({ run }) => run.number ?? null),
    leaving.map(({ run }) => parameters.beginOf(run)),
    leaving.map(({ subTask }) => subTask),
    leaving.map(({ attempts }) => attempts),
    leaving.map(({ worker }) => worker),
    leaving.map(({ after }) => after),
    leaving.map(({ dueAt }) => (dueAt === undefined ? null : Math.round(now + dueAt - performance.now()))),
  ];
}

/** The labels of runs that start, as columns: `label, labelled_at, run`. Undefined without any. */
export function labelColumns(
  entries: readonly Entry[],
): readonly [labels: string[], times: number[], runs: string[]] | undefined {
  let columns: [string[], number[], string[]] | undefined;
  for (const { event, ms } of entries) {
    if (event.type !== 'run.started' || !event.labels) continue;
    columns ??= [[], [], []];
    for (const label of labelTexts(event.labels)) addTo(columns as unknown[][], label, ms, event.runId);
  }
  return columns;
}

/** An array of numbers as Postgres writes it, without the quotes and escapes that pg would add. */
export function arrayOf(numbers: readonly (number | null)[]): string {
  return numbers.includes(null)
    ? `{${numbers.map((number) => number ?? 'NULL').join(',')}}`
    : `{${numbers.join(',')}}`;
}

function addTo<T>(columns: readonly T[][], ...values: readonly T[]): void {
  values.forEach((value, index) => columns[index]?.push(value));
}
