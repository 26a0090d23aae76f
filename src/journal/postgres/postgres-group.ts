import type { RunEvent, SubTaskEvent } from '../../core/events.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';
import { CommitGroup } from '../commit-group.js';
import { stamped } from '../event-clock.js';
import type { PlacedSubTask } from '../../run/sharing.js';

/** What an event must find as it is for it to be recorded; see the function `commit_group`. */
type Guard = 'begins' | 'goes-on' | 'ends' | 'ends-from-outside' | 'reopens';

const GUARD_CODES: Readonly<Record<Guard, number>> = {
  begins: 1,
  'goes-on': 2,
  ends: 3,
  'ends-from-outside': 4,
  reopens: 5,
};

interface Entry extends JournalEntry {
  readonly ms: number;
  readonly content: string;
  readonly guard: Guard | undefined;
}

interface Leaving extends PlacedSubTask {
  readonly run: JournaledRun;
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
  /** Whether its commit tells other nodes of it; undefined before it was tried. */
  tells: boolean | undefined;

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

  /** Whether another node executes some of it, or waits for it. */
  get isUrgent(): boolean {
    return (
      this.leaving.length > 0 || this.entries.some(({ run, guard }) => run.shared || guard !== undefined)
    );
  }

  /** @param fenced whether the event is recorded only if its attempt is still the one that counts */
  add(run: JournaledRun, event: RunEvent, fenced: boolean): void {
    const content = JSON.stringify(event.data);
    this.entries.push({ event, run, ms: Date.now(), content, guard: this.guardOf(event, fenced) });
    this.size += content.length;
  }

  /** Lets a sub-task leave with what was added last. */
  place(run: JournaledRun, subTask: PlacedSubTask): void {
    const { event, guard } = this.entries.at(-1) ?? {};
    const leavesWithIt =
      guard !== undefined && event && 'subTask' in event && event.subTask === subTask.subTask;
    const after = leavesWithIt && event.runId === subTask.runId ? this.entries.length : 0;
    this.leaving.push({ ...subTask, run, after });
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ run }) => run.id === runId);
  }

  /** The arguments of `commit_group_1` but for the node. */
  parameters(): unknown[] {
    const { entries, leaving } = this;
    const places = new Map<JournaledRun, number>();
    const started = entries.flatMap(({ event, run }, index) => {
      if (event.type !== 'run.started') return [];
      places.set(run, index + 1);
      return [{ place: index + 1, id: event.runId, task: event.task }];
    });
    const numberOf = (run: JournaledRun): number | null => run.number ?? null;
    const beginOf = (run: JournaledRun): number | null => places.get(run) ?? null;
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
      this.tells,
    ];
  }

  /** Called when it is committed: what is on record of it, stamped, and what was fenced out. */
  outcome(): { committed: JournalEntry[]; refused: JournalEntry[] } {
    const { firstId, refused: places } = this.result ?? { firstId: 0, refused: [] };
    const committed: JournalEntry[] = [];
    const refused: JournalEntry[] = [];
    for (const [index, entry] of this.entries.entries()) {
      const { event, run, ms } = entry;
      if (places.includes(index + 1)) {
        refused.push(entry);
        continue;
      }
      stamped(event, firstId + committed.length, ms);
      if (event.type === 'run.started') run.number = event.id;
      committed.push(entry);
    }
    return { committed, refused };
  }

  /** How it leaves the runs that it finishes. */
  private ends(): Map<JournaledRun, { status: string; time: number }> {
    const ends = new Map<JournaledRun, { status: string; time: number }>();
    for (const { event, run, ms } of this.entries) {
      if (event.type === 'run.finished') ends.set(run, { status: event.data.status, time: ms });
    }
    return ends;
  }

  /** What an event must find for it to be recorded; undefined when it is recorded in any case. */
  private guardOf(event: RunEvent, fenced: boolean): Guard | undefined {
    if (event.type === 'run.reopened') return 'reopens';
    if (!fenced) return undefined;
    switch (event.type) {
      case 'sub-task.started':
        return 'begins';
      case 'sub-task.retrying':
        return 'goes-on';
      case 'sub-task.succeeded':
      case 'sub-task.failed':
        return 'ends';
      case 'sub-task.cancelled':
      case 'sub-task.skipped':
        return this.keep(event) ? undefined : 'ends-from-outside';
      default:
        return undefined;
    }
  }

  /** Keeps a sub-task from leaving; false when it leaves with another group. */
  private keep({ runId, subTask }: SubTaskEvent): boolean {
    const kept = this.leaving.filter((one) => one.runId !== runId || one.subTask !== subTask);
    const found = kept.length < this.leaving.length;
    this.leaving = kept;
    return found;
  }
}
