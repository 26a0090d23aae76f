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

/** Reads a page of the events after `after`, up to `upTo`, of some runs or of all. */
export type ReadEvents = (after: number, upTo: number, runs: 'all' | readonly string[]) => Promise<TailPage>;

/** A run of this node for which other nodes commit events too. `early` has the events that came before the run object. */
interface SharedRun {
  readonly run?: JournaledRun;
  readonly early: { readonly event: RunEvent; readonly first: number }[];
}

/**
 * Publishes the log that all nodes write, in its order, as far as this node has watchers for it. The node's own commits are in memory;
 * the events between them are read from the database.
 */
export class LogTail {
  private readonly logger = loggerOf('journal');
  /** Every event up to this one was published, or had no watcher. */
  private shown: number;
  /** The last event that is known to be committed. */
  private known: number;
  /** Rows that this node has committed and not yet published, in the order of the log. */
  private own: CommittedRow[] = [];
  private showing = false;
  /** Emits false when more was published, and true when the rest can't be read now. */
  private readonly moved = new Subject<boolean>();
  /** The shared runs by id. */
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

  /** Collects the events of a run from now on, for the run object that will {@link follow}. */
  expect(runId: string): void {
    if (!this.shared.has(runId)) this.shared.set(runId, { early: [] });
  }

  /** Undoes {@link expect} if no run object came. */
  forget(runId: string): void {
    if (!this.shared.get(runId)?.run) this.shared.delete(runId);
  }

  /** Tells a run of all its committed events until it ends, whichever node commits them. */
  follow(run: JournaledRun): void {
    const early = this.shared.get(run.id)?.early ?? [];
    this.shared.set(run.id, { run, early: [] });
    for (const { event, first } of early) this.tell(event, first);
  }

  /** Stops telling runs of events: other nodes have all of these runs now. */
  clear(): void {
    this.shared.clear();
  }

  /** To be called when this node has committed events. */
  add(rows: readonly CommittedRow[]): void {
    const last = rows.at(-1)?.events.at(-1);
    if (!last) return;
    this.own.push(...rows);
    this.hear(last.id);
  }

  /** To be called when a node has committed events up to `id`. */
  hear(id: number): void {
    this.known = Math.max(this.known, id);
    if (!this.showing) void this.showAll();
  }

  /**
   * Resolves when a followed run was told of all events that are committed by now, or when they can't be read.
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
      // The next notice or beat tries again.
      this.logger.warn(
        `What other nodes have committed can’t be read, which is tried again: ${textOf(error)}`,
      );
      this.moved.next(true);
    } finally {
      this.showing = false;
    }
  }

  /**
   * The next of the node's own rows to publish. Leaves out events that were published before this node knew that its commit had
   * succeeded. A run that became shared later may have missed those, so it is told of them.
   */
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

  /**
   * Tells the event's run, unless the run knows the event. A run that goes on again is told of its earlier end too.
   *
   * @param first the key of the event's commit
   */
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
