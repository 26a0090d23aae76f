import type { RunEvent, SubTaskEvent } from '../../core/events.js';
import { answeredBy } from '../../core/run-standing.js';
import type { JournaledRun, JournalEntry } from '../../run/journaled-run.js';
import type { PlacedSubTask } from '../../run/sharing.js';
import { CommitGroup } from '../commit-group.js';
import { stamped } from '../event-clock.js';
import {
  arrayOf,
  commitParameters,
  labelColumns,
  type Entry,
  type Guard,
  type Leaving,
} from './commit-parameters.js';
import type { DatabaseClock } from './database-clock.js';
import { rowsByPlace, rowWithIds, textWithoutId } from './commit-text.js';
import { addCommit, type Committed, type GroupOutcome, type Refusal } from './group-outcome.js';
import { storableEvent } from './storable-event.js';

/** Longest text of a row of `commits` with several events, in characters. */
const ROW_SIZE = 256 * 2 ** 10;

/** Events that are to be committed together, and the sub-tasks that leave the node with them. */
export class PostgresGroup extends CommitGroup {
  private readonly entries: Entry[] = [];
  private readonly texts: string[] = [];
  /** The places of the events that begin a row. */
  private readonly rows: number[] = [1];
  private rowSize = 0;
  private leaving: Leaving[] = [];
  /** Ids of the runs in the group that callers' transactions have requested. */
  private requested = new Set<string>();
  /** The outcome of the commit; set when the group is committed. */
  result: GroupOutcome | undefined;
  /** The parts in which the group is committed, one after the other, when something in it keeps it from being committed as a whole. */
  parts: readonly PostgresGroup[] | undefined;
  /** Events that are not recorded at all, because the database can't hold them. */
  readonly unstorable: Refusal[] = [];
  /** The id of its first event if no other node commits before. */
  guess = 0;
  /** Whether the commit tells other nodes of itself at once; undefined before the first try. */
  tells: boolean | undefined;

  constructor(private readonly clock: DatabaseClock) {
    super();
  }

  override get count(): number {
    return this.entries.length + this.leaving.length;
  }

  /** The sub-tasks that leave the node. */
  get jobs(): readonly PlacedSubTask[] {
    return this.leaving.map(({ dueAt, ...subTask }) =>
      dueAt === undefined ? subTask : { ...subTask, delayMs: dueAt - performance.now() },
    );
  }

  /** Ids of the requested runs that the group starts. Their requests are deleted by the same commit. */
  get requests(): readonly string[] {
    if (this.requested.size === 0) return [];
    return this.entries.map(({ run }) => run.id).filter((id) => this.requested.has(id));
  }

  /** See {@link labelColumns}. */
  get labels(): ReturnType<typeof labelColumns> {
    return labelColumns(this.entries);
  }

  /** Whether another node executes a sub-task of the group, or waits for one of its events. */
  get isUrgent(): boolean {
    return (
      this.leaving.length > 0 || this.entries.some(({ run, guard }) => run.shared || guard !== undefined)
    );
  }

  /** @param fenced whether the event is recorded only while its attempt is the current one */
  add(run: JournaledRun, unstamped: RunEvent, fenced: boolean): void {
    const ms = (run.lastMs = Math.max(run.lastMs, this.clock.now()));
    const event = stamped(unstamped, 0, ms);
    if (event.type === 'run.replied') [run.repliedMs, run.answeredBy] = [ms, answeredBy(event.data.reply)];
    this.push({ run, event, ms, guard: this.guardOf(event, fenced) }, textWithoutId(event, run.about));
  }

  private push(entry: Entry, text: string): void {
    this.entries.push(entry);
    this.texts.push(text);
    this.size += text.length;
    this.rowSize += text.length;
    if (this.rowSize <= ROW_SIZE || this.rowSize === text.length) return;
    this.rows.push(this.entries.length);
    this.rowSize = text.length;
  }

  /** Lets a sub-task leave the node with the event that was added last. */
  place(run: JournaledRun, subTask: PlacedSubTask): void {
    const { event, guard } = this.entries.at(-1) ?? {};
    const leavesWithIt =
      guard !== undefined && event && 'subTask' in event && event.subTask === subTask.subTask;
    const after = leavesWithIt && event.runId === subTask.runId ? this.entries.length : 0;
    const { delayMs } = subTask;
    const dueAt = delayMs === undefined ? undefined : performance.now() + delayMs;
    this.leaving.push({ ...subTask, run, after, dueAt });
  }

  /** Deletes the request for a run with this commit. The run's start was added last. */
  fulfil(runId: string): void {
    this.requested.add(runId);
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ run }) => run.id === runId);
  }

  /** The arguments of `commit_group_3`, except for the node. @param number position of the group among the node's groups */
  parameters(number: number): unknown[] {
    const { entries, texts, rows, leaving } = this;
    return [
      number,
      rowWithIds(texts, this.guess),
      this.guess,
      arrayOf(rows),
      ...commitParameters(entries, rows.length > 1, leaving, this.clock.now()),
      this.tells,
    ];
  }

  /** Called when the group is committed. Gives events their ids, and tells runs the rows of their events. */
  settleAs({ firstId, refused: places }: Committed): void {
    const committed: JournalEntry[] = [];
    const refused: Refusal[] = [];
    const rows: { first: number; events: RunEvent[] }[] = [];
    const rowOf = rowsByPlace(this.rows);
    let row: (typeof rows)[number] | undefined;
    let at = -1;
    for (const [index, entry] of this.entries.entries()) {
      const { event, run, ms, guard } = entry;
      if (places.length > 0 && places.includes(index + 1)) {
        refused.push({ run, event, isLost: guard === undefined });
        continue;
      }
      const id = firstId + committed.length;
      stamped(event, id, ms);
      if (event.type === 'run.started') run.number = id;
      if (!row || rowOf(index + 1) !== at) {
        row = { first: id, events: [] };
        at = rowOf(index + 1);
        rows.push(row);
      }
      row.events.push(event);
      addCommit(run, row.first);
      committed.push(entry);
    }
    this.result = { committed, rows, refused };
  }

  /**
   * Replaces a group that can't be committed: by two halves or, for a single event, by one that the database can hold. If a single event
   * starts a run, nothing is recorded of the run.
   *
   * @returns false when nothing can replace the event
   */
  divide(reason: string): boolean {
    const { entries } = this;
    const [only] = entries;
    if (entries.length > 1) {
      const middle = entries.length >> 1;
      this.parts = [this.part(0, middle), this.part(middle, entries.length)];
    } else if (only?.event.type === 'run.started') {
      this.unstorable.push({ ...only, isLost: true });
      this.parts = [];
    } else {
      const event = only && storableEvent(only.event, reason);
      if (!event) return false;
      const part = this.part(0, 0);
      part.push({ ...only, event }, textWithoutId(event, only.run.about));
      part.leaving = this.leaving;
      this.parts = [part];
    }
    return true;
  }

  /** Leaves out the events of some runs. */
  leaveOut(runs: { has(run: JournaledRun): boolean }): void {
    if (!this.entries.some(({ run }) => runs.has(run))) return;
    const places = [0];
    const part = this.part(0, 0);
    for (const [index, entry] of this.entries.entries()) {
      if (runs.has(entry.run)) this.unstorable.push({ ...entry, isLost: true });
      else part.push(entry, this.texts[index] ?? '');
      places.push(part.entries.length);
    }
    part.leaving = this.leaving.filter(({ run }) => !runs.has(run));
    part.leaving = part.leaving.map((one) => ({ ...one, after: places[one.after] ?? 0 }));
    this.parts = part.count > 0 ? [part] : [];
  }

  /** Its events from the index `from` up to `to`, and the sub-tasks that leave with them. */
  private part(from: number, to: number): PostgresGroup {
    const part = new PostgresGroup(this.clock);
    part.tells = this.tells;
    part.requested = this.requested;
    for (let index = from; index < to; index += 1) {
      const entry = this.entries[index];
      if (entry) part.push(entry, this.texts[index] ?? '');
    }
    const isLast = to === this.entries.length;
    part.leaving = this.leaving
      .filter(({ after }) => (after === 0 ? isLast : after > from && after <= to))
      .map((one) => ({ ...one, after: Math.max(0, one.after - from) }));
    return part;
  }

  /** The precondition under which an event is recorded. Undefined when the precondition is that the run is this node's. */
  private guardOf(event: RunEvent, fenced: boolean): Guard | undefined {
    if (event.type === 'run.reopened') return 'reopens';
    if (!fenced) return undefined;
    switch (event.type) {
      case 'sub-task.started':
        return 'begins';
      case 'sub-task.retrying':
      case 'sub-task.progressed':
      case 'sub-task.streamed':
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

  /** Keeps a sub-task from leaving. @returns false when the sub-task isn't leaving with this group */
  private keep({ runId, subTask }: SubTaskEvent): boolean {
    const kept = this.leaving.filter((one) => one.runId !== runId || one.subTask !== subTask);
    const found = kept.length < this.leaving.length;
    this.leaving = kept;
    return found;
  }
}
