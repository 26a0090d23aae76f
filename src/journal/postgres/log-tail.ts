import { filter, firstValueFrom, Subject } from 'rxjs';
import type { RunEvent } from '../../core/events.js';
import { indexBehind } from '../../core/event-order.js';
import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { tellRun } from '../publish-committed.js';
import type { TailPage } from './commit-reader.js';
import { addCommit, type CommittedRow } from './group-outcome.js';

/** Reads a page of the events behind one, up to another one, of some runs or of all. */
export type ReadEvents = (after: number, upTo: number, runs: 'all' | readonly string[]) => Promise<TailPage>;

/** Runs of this node of which other nodes commit events too, and what came of a run before the run was there. */
interface SharedRun {
  readonly run?: JournaledRun;
  readonly early: { readonly event: RunEvent; readonly first: number }[];
}

/**
 * Publishes the log that all nodes write, in its order, as far as somebody here wants it. What this node has committed it
 * has in memory; what is between is read from the database.
 */
export class LogTail {
  private readonly logger = loggerOf('journal');
  /** Everything up to here was published, or nobody wanted it. */
  private shown: number;
  /** The last event that is known to be committed. */
  private known: number;
  /** What this node has committed behind that, in the order of the log. */
  private own: CommittedRow[] = [];
  private showing = false;
  /** Emits when more was shown; true when the rest can't be read now. */
  private readonly moved = new Subject<boolean>();
  /** By the ids of runs. */
  private readonly shared = new Map<string, SharedRun>();

  constructor(
    private readonly bus: EventBus,
    private readonly read: ReadEvents,
    lastId: number,
  ) {
    this.shown = lastId;
    this.known = lastId;
  }

  /** The last event that is known to be committed. */
  get lastId(): number {
    return this.known;
  }

  /** Keeps what is committed of a run from now on, for the run that is to {@link follow}. */
  expect(runId: string): void {
    if (!this.shared.has(runId)) this.shared.set(runId, { early: [] });
  }

  /** Undoes {@link expect} where no run came. */
  forget(runId: string): void {
    if (!this.shared.get(runId)?.run) this.shared.delete(runId);
  }

  /** Tells a run of all that is committed of it, up to its end, by whichever node. */
  follow(run: JournaledRun): void {
    const early = this.shared.get(run.id)?.early ?? [];
    this.shared.set(run.id, { run, early: [] });
    for (const { event, first } of early) this.tell(event, first);
  }

  /** Tells no run any more: other nodes have all of them. */
  clear(): void {
    this.shared.clear();
  }

  /** This node has committed events. */
  add(rows: readonly CommittedRow[]): void {
    const last = rows.at(-1)?.events.at(-1);
    if (!last) return;
    this.own.push(...rows);
    this.hear(last.id);
  }

  /** Events up to this one are committed, by whichever node. */
  hear(id: number): void {
    this.known = Math.max(this.known, id);
    if (!this.showing) void this.showAll();
  }

  /**
   * Resolves when a run that it follows was told of all that is committed by now, or that can't be read.
   *
   * @param lastId asks for the last event of the log
   */
  async catchUp(runId: string, lastId: () => Promise<number>): Promise<void> {
    if (!this.shared.get(runId)?.run) return;
    const id = await lastId();
    this.hear(id);
    if (this.shown < id)
      await firstValueFrom(this.moved.pipe(filter((failed) => failed || this.shown >= id)));
  }

  private async showAll(): Promise<void> {
    this.showing = true;
    try {
      for (;;) {
        const next = this.nextOwn();
        if (this.shown >= this.known) return;
        const { wanted } = this;
        if (wanted.length === 0) {
          this.own = [];
          this.show([], this.known);
          return;
        }
        const first = next?.events[0]?.id ?? Infinity;
        if (next && first === this.shown + 1) {
          this.own.shift();
          this.show([next], next.events.at(-1)?.id ?? first);
          continue;
        }
        const upTo = Math.min(this.known, first - 1);
        const page = await this.read(this.shown, upTo, wanted);
        this.show(page.rows, page.next);
      }
    } catch (error) {
      // The next notice, or the next beat, leads here again.
      this.logger.warn(
        `What other nodes have committed can’t be read, which is tried again: ${textOf(error)}`,
      );
      this.moved.next(true);
    } finally {
      this.showing = false;
    }
  }

  /** What was shown before this node knew that its commit had succeeded is left out. A run that is shared only since may have missed it. */
  private nextOwn(): CommittedRow | undefined {
    for (let [next] = this.own; next; [next] = this.own) {
      const { first, events } = next;
      const behind = indexBehind(events, this.shown);
      if (behind === 0) return next;
      for (const event of this.shared.size > 0 ? events.slice(0, behind) : []) this.tell(event, first);
      if (behind < events.length) return (this.own[0] = { first, events: events.slice(behind) });
      this.own.shift();
    }
    return undefined;
  }

  private show(rows: readonly CommittedRow[], upTo: number): void {
    this.shown = Math.max(this.shown, upTo);
    for (const { first, events } of rows) {
      if (this.shared.size > 0) for (const event of events) this.tell(event, first);
      this.bus.publishLog(events);
    }
    this.moved.next(false);
  }

  private get wanted(): 'all' | readonly string[] {
    const { wanted } = this.bus;
    return wanted === 'all' ? wanted : [...wanted, ...this.shared.keys()];
  }

  /** Tells its run, unless that knows it: also the end of one that goes on again. @param first the key of the commit that it is in */
  private tell(event: RunEvent, first: number): void {
    const shared = this.shared.get(event.runId);
    if (!shared?.run) {
      shared?.early.push({ event, first });
      return;
    }
    if (event.id <= shared.run.lastEventId) return;
    addCommit(shared.run, first);
    tellRun({ run: shared.run, event });
    if (event.type === 'run.finished') this.shared.delete(event.runId);
  }
}
