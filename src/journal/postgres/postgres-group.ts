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

/** How long the text of a row of `commits` may become by another event, in characters. */
const ROW_SIZE = 256 * 2 ** 10;

/** Events that are to be committed together, and the sub-tasks that leave the node with them. */
export class PostgresGroup extends CommitGroup {
  private readonly entries: Entry[] = [];
  private readonly texts: string[] = [];
  /** The places of the events that begin a row. */
  private readonly rows: number[] = [1];
  private rowSize = 0;
  private leaving: Leaving[] = [];
  /** The runs of it that transactions of callers have asked for. */
  private requested = new Set<string>();
  /** What became of it; set when it is committed. */
  result: GroupOutcome | undefined;
  /** What it is committed in, one after the other, where it can't be committed as a whole for a reason of its own. */
  parts: readonly PostgresGroup[] | undefined;
  /** What is not recorded at all, because the database can't hold it. */
  readonly unstorable: Refusal[] = [];
  /** What the id of its first event will be if no other node commits before. */
  guess = 0;
  /** Whether its commit tells other nodes of it; undefined before it was tried. */
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

  /** The ids of the runs that it starts and that were asked for: their requests go with its commit. */
  get requests(): readonly string[] {
    if (this.requested.size === 0) return [];
    return this.entries.map(({ run }) => run.id).filter((id) => this.requested.has(id));
  }

  /** See {@link labelColumns}. */
  get labels(): ReturnType<typeof labelColumns> {
    return labelColumns(this.entries);
  }

  /** Whether another node executes some of it, or waits for it. */
  get isUrgent(): boolean {
    return (
      this.leaving.length > 0 || this.entries.some(({ run, guard }) => run.shared || guard !== undefined)
    );
  }

  /** @param fenced whether the event is recorded only if its attempt is still the one that counts */
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

  /** Lets a sub-task leave with what was added last. */
  place(run: JournaledRun, subTask: PlacedSubTask): void {
    const { event, guard } = this.entries.at(-1) ?? {};
    const leavesWithIt =
      guard !== undefined && event && 'subTask' in event && event.subTask === subTask.subTask;
    const after = leavesWithIt && event.runId === subTask.runId ? this.entries.length : 0;
    const { delayMs } = subTask;
    const dueAt = delayMs === undefined ? undefined : performance.now() + delayMs;
    this.leaving.push({ ...subTask, run, after, dueAt });
  }

  /** Lets the request for a run go, which was added last. */
  fulfil(runId: string): void {
    this.requested.add(runId);
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ run }) => run.id === runId);
  }

  /** The arguments of `commit_group_3` but for the node. @param number of the group among those of the node */
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

  /** Called when it is committed. Each run learns of its commits. */
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

  /** Makes it two halves, or where it is one event, something that the database can hold. @returns false when there is nothing */
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

  /** Leaves out what tells of some runs. */
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

  /** Its events from one place up to another, and the sub-tasks that leave with them. */
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

  /** What an event must find for it to be recorded; undefined when its run must be this node's. */
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

  /** Keeps a sub-task from leaving; false when it leaves with another group. */
  private keep({ runId, subTask }: SubTaskEvent): boolean {
    const kept = this.leaving.filter((one) => one.runId !== runId || one.subTask !== subTask);
    const found = kept.length < this.leaving.length;
    this.leaving = kept;
    return found;
  }
}
