import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RunEvent } from '../core/events.js';
import type { Journal } from '../run/journal.js';
import type { KnownRun, KnownRuns } from './known-runs.js';
import type { HeadReader, LogHead } from './log-head.js';
import type { Wanted } from './wanted.js';

export interface LogParts {
  readonly journal: Pick<Journal, 'events'>;
  readonly head: LogHead;
  readonly runs: KnownRuns;
}

/** A stretch of the log that was read. */
interface Stretch {
  /** The events in it that may match the webhook, with their runs. */
  readonly fitting: readonly (readonly [RunEvent, KnownRun])[];
  /** The last event of the stretch. */
  readonly upTo: number;
  /** The time of its last known event, in milliseconds since 1970. */
  readonly at: number;
  /** Whether the log had nothing after it. */
  readonly isLast: boolean;
}

/** Reads the log for one webhook: the newest events from the bus, earlier ones as pages from the journal. */
export class LogReader implements HeadReader {
  /** Whether the log is read to its end. */
  isAtEnd = false;
  /** Whether further events were announced since the last read began. */
  private hasMore = false;

  /**
   * @param upTo the last event that was read, or needn't be
   * @param at the time of that event, in milliseconds since 1970
   * @param onMore called when further events may match
   */
  constructor(
    private readonly parts: LogParts,
    private readonly wanted: Wanted,
    public upTo: number,
    public at: number,
    private readonly onMore: () => void,
  ) {}

  begin(): void {
    this.parts.head.join(this);
  }

  end(): void {
    this.parts.head.leave(this);
  }

  told(events: readonly RunEvent[], before: number): void {
    const last = events.at(-1);
    if (last && this.isAtEnd && this.upTo >= before && !events.some((event) => this.mayFit(event))) {
      if (last.id > this.upTo) [this.upTo, this.at] = [last.id, Date.parse(last.time)];
      return;
    }
    this.isAtEnd = false;
    this.hasMore = true;
    this.onMore();
  }

  /**
   * Reads the events after the last one. After handling them, the caller calls {@link goOn}; until then the same events are read again.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  async read(limit: number): Promise<Stretch> {
    const { head, runs } = this.parts;
    this.isAtEnd = false;
    this.hasMore = false;
    const page = head.read(this.upTo, limit);
    const { events, next } = page ?? (await this.page(limit));
    for (const event of events) if (event.type === 'run.started') runs.started(event);
    const fitting: (readonly [RunEvent, KnownRun])[] = [];
    for (const event of events)
      if (this.mayFit(event)) fitting.push([event, runs.get(event.runId) ?? (await runs.find(event.runId))]);
    const last = events.at(-1);
    return {
      fitting,
      upTo: Math.max(this.upTo, next),
      at: last ? Date.parse(last.time) : this.at,
      isLast: page !== undefined && events.length < limit,
    };
  }

  goOn({ upTo, at, isLast }: Stretch): void {
    this.upTo = upTo;
    this.at = at;
    this.isAtEnd = isLast && !this.hasMore;
  }

  private mayFit(event: RunEvent): boolean {
    return this.wanted.mayFit(event, this.parts.runs.get(event.runId));
  }

  /** In a turn of its own, because a journal in memory answers within the current one. */
  private async page(limit: number) {
    await nextTurn();
    return this.parts.journal.events({ ...this.wanted.query, after: this.upTo, limit });
  }
}
