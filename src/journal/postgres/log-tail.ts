import { Logger } from '@nestjs/common';
import type { RunEvent } from '../../core/events.js';
import { indexBehind } from '../../core/event-order.js';
import type { EventBus } from '../../events/event-bus.js';
import { textOf } from '../../core/thrown.js';
import type { EventPage } from '../../run/journal.js';
import type { JournaledRun } from '../../run/journaled-run.js';
import { tellRun } from '../publish-committed.js';

/** Reads a page of the events behind one, up to another one, of some runs or of all. */
export type ReadEvents = (after: number, upTo: number, runs: 'all' | readonly string[]) => Promise<EventPage>;

/**
 * Publishes the log that all nodes write, in its order, as far as somebody here wants it. What this node has committed it
 * has in memory; what is between is read from the database.
 */
export class LogTail {
  private readonly logger = new Logger(LogTail.name);
  /** Everything up to here was published, or nobody wanted it. */
  private shown: number;
  /** The last event that is known to be committed. */
  private known: number;
  /** What this node has committed behind that, in the order of the log. */
  private own: (readonly RunEvent[])[] = [];
  private reading: Promise<void> | undefined;
  /** Runs of this node of which other nodes commit events too, by their ids, and what came of a run before the run was there. */
  private readonly shared = new Map<string, { run?: JournaledRun; readonly early: RunEvent[] }>();

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
    for (const event of early) this.tell(event);
  }

  /** Tells no run any more: other nodes have all of them. */
  clear(): void {
    this.shared.clear();
  }

  /** This node has committed events. */
  add(events: readonly RunEvent[]): void {
    const last = events.at(-1);
    if (!last) return;
    this.own.push(events);
    this.hear(last.id);
  }

  /** Events up to this one are committed, by whichever node. */
  hear(id: number): void {
    this.known = Math.max(this.known, id);
    this.reading ??= this.showAll().finally(() => (this.reading = undefined));
  }

  private async showAll(): Promise<void> {
    while (this.shown < this.known) {
      const { wanted } = this;
      if (wanted.length === 0) {
        this.shown = this.known;
        this.own = [];
        return;
      }
      const next = this.nextOwn();
      const first = next?.[0]?.id ?? Infinity;
      if (next && first === this.shown + 1) {
        this.own.shift();
        this.show(next, next.at(-1)?.id ?? first);
        continue;
      }
      const upTo = Math.min(this.known, first - 1);
      try {
        const { events, next } = await this.read(this.shown, upTo, wanted);
        this.show(events, next);
      } catch (error) {
        // The next notice, or the next beat, leads here again.
        this.logger.warn(
          `What other nodes have committed can’t be read, which is tried again: ${textOf(error)}`,
        );
        return;
      }
    }
  }

  /** What was read from the database before this node knew that its commit had succeeded is left out. */
  private nextOwn(): readonly RunEvent[] | undefined {
    for (let [next] = this.own; next; [next] = this.own) {
      const rest = next.slice(indexBehind(next, this.shown));
      if (rest.length > 0) return (this.own[0] = rest);
      this.own.shift();
    }
    return undefined;
  }

  private show(events: readonly RunEvent[], upTo: number): void {
    this.shown = Math.max(this.shown, upTo);
    if (this.shared.size > 0) for (const event of events) this.tell(event);
    this.bus.publishLog(events);
  }

  private get wanted(): 'all' | readonly string[] {
    const { wanted } = this.bus;
    return wanted === 'all' ? wanted : [...wanted, ...this.shared.keys()];
  }

  private tell(event: RunEvent): void {
    const shared = this.shared.get(event.runId);
    if (!shared?.run) {
      shared?.early.push(event);
      return;
    }
    tellRun({ run: shared.run, event });
    if (event.type === 'run.finished') this.shared.delete(event.runId);
  }
}
