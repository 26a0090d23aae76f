import type { NewEvent, RunEvent } from '../../core/events.js';
import { CommitGroup } from '../commit-group.js';
import { timeText } from '../event-clock.js';
import type { PlacedSubTask } from '../../run/sharing.js';

/** A run that takes events of this node. Its number is known once its `run.started` is committed. */
export interface OpenRun {
  number: number | undefined;
}

/** What an event must find as it is for it to be recorded; see the function `commit_group`. */
export type Guard = 'begins' | 'goes-on' | 'ends' | 'ends-from-outside' | 'reopens';

const GUARD_CODES: Readonly<Record<Guard, number>> = {
  begins: 1,
  'goes-on': 2,
  ends: 3,
  'ends-from-outside': 4,
  reopens: 5,
};

interface Entry {
  readonly event: NewEvent;
  readonly run: OpenRun;
  readonly ms: number;
  readonly content: string;
  readonly guard: Guard | undefined;
}

interface Leaving extends PlacedSubTask {
  readonly run: OpenRun;
  /** The place of the event that it leaves with, where that may be refused; else 0. */
  readonly after: number;
}

/** What became of a group. */
export interface Committed {
  readonly firstId: number;
  /** The places of those that were fenced out, from 1. */
  readonly refused: readonly number[];
}

/** Events that are to be committed together, and the sub-tasks that leave the node with them. */
export class PostgresGroup extends CommitGroup {
  private readonly entries: Entry[] = [];
  private leaving: Leaving[] = [];
  /** Set when it is committed. */
  result: Committed | undefined;

  constructor(readonly number: number) {
    super();
  }

  override get count(): number {
    return this.entries.length + this.leaving.length;
  }

  /** The sub-tasks that leave the node. */
  get jobs(): readonly PlacedSubTask[] {
    return this.leaving;
  }

  add(event: NewEvent, run: OpenRun, guard: Guard | undefined): void {
    const content = JSON.stringify(event.data);
    this.entries.push({ event, run, ms: Date.now(), content, guard });
    this.size += content.length;
  }

  /** Lets a sub-task leave with what was added last. */
  place(subTask: PlacedSubTask, run: OpenRun): void {
    const { event, guard } = this.entries.at(-1) ?? {};
    const leavesWithIt =
      guard !== undefined && event && 'subTask' in event && event.subTask === subTask.subTask;
    const after = leavesWithIt && event.runId === subTask.runId ? this.entries.length : 0;
    this.leaving.push({ ...subTask, run, after });
  }

  /** Keeps a sub-task from leaving; false when it leaves with another group. */
  keep({ runId, subTask }: { readonly runId: string; readonly subTask: string }): boolean {
    const kept = this.leaving.filter((one) => one.runId !== runId || one.subTask !== subTask);
    const found = kept.length < this.leaving.length;
    this.leaving = kept;
    return found;
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ event }) => event.runId === runId);
  }

  /** The arguments of `commit_group_1` but for the node. */
  parameters(): unknown[] {
    const { entries, leaving } = this;
    const places = new Map<OpenRun, number>();
    const started = entries.flatMap(({ event, run }, index) => {
      if (event.type !== 'run.started') return [];
      places.set(run, index + 1);
      return [{ place: index + 1, id: event.runId, task: event.task }];
    });
    const numberOf = (run: OpenRun): number | null => run.number ?? null;
    const beginOf = (run: OpenRun): number | null => places.get(run) ?? null;
    const guarded = entries.flatMap(({ guard }, index) =>
      guard === undefined ? [] : [{ place: index + 1, code: GUARD_CODES[guard] }],
    );
    const ends = [...this.ends()];
    return [
      this.number,
      entries.map(({ run }) => numberOf(run)),
      entries.map(({ run }) => beginOf(run)),
      entries.map(({ event }) => event.type),
      entries.map(({ ms }) => ms),
      entries.map(({ event }) => ('subTask' in event ? event.subTask : null)),
      entries.map(({ event }) => ('attempt' in event ? event.attempt : null)),
      entries.map(({ content }) => content),
      guarded.map(({ place }) => place),
      guarded.map(({ code }) => code),
      started.map(({ place }) => place),
      started.map(({ id }) => id),
      started.map(({ task }) => task),
      ends.map(([run]) => numberOf(run)),
      ends.map(([run]) => beginOf(run)),
      ends.map(([, { status }]) => status),
      ends.map(([, { time }]) => time),
      leaving.map(({ run }) => numberOf(run)),
      leaving.map(({ run }) => beginOf(run)),
      leaving.map(({ subTask }) => subTask),
      leaving.map(({ attempts }) => attempts),
      leaving.map(({ worker }) => worker),
      leaving.map(({ after }) => after),
      leaving.map(({ dueAt }) => dueAt?.getTime() ?? null),
    ];
  }

  /** Called when it is committed: its events as they are on record, and those that were fenced out. */
  events(): { events: RunEvent[]; refused: NewEvent[] } {
    const { firstId, refused: places } = this.result ?? { firstId: 0, refused: [] };
    const events: RunEvent[] = [];
    const refused: NewEvent[] = [];
    for (const [index, { event, run, ms }] of this.entries.entries()) {
      if (places.includes(index + 1)) {
        refused.push(event);
        continue;
      }
      const id = firstId + events.length;
      if (event.type === 'run.started') run.number = id;
      events.push({ ...event, id, time: timeText(ms) });
    }
    return { events, refused };
  }

  /** How it leaves the runs that it finishes. */
  private ends(): Map<OpenRun, { status: string; time: number }> {
    const ends = new Map<OpenRun, { status: string; time: number }>();
    for (const { event, run, ms } of this.entries) {
      if (event.type === 'run.finished') ends.set(run, { status: event.data.status, time: ms });
    }
    return ends;
  }
}
