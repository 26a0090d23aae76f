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

/** What was read of the log. */
interface Stretch {
  /** Of its events, those that may fit, with their runs. */
  readonly fitting: readonly (readonly [RunEvent, KnownRun])[];
  /** The last event that it covers. */
  readonly upTo: number;
  /** The time of the last event that is known, in milliseconds since 1970. */
  readonly at: number;
  /** Whether there was nothing behind it. */
  readonly isLast: boolean;
}

/** Reads the log for one webhook: near its end what the bus tells, further behind pages of the journal. */
export class LogReader implements HeadReader {
  /** Whether all that there was is read. */
  isAtEnd = false;
  /** Whether more was told of since the last read began. */
  private hasMore = false;

  /**
   * @param upTo the last event that was read, or need not be
   * @param at its time, in milliseconds since 1970
   * @param onMore called when there is more that may fit
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
   * Reads behind the last event. Whoever has dealt with it calls {@link goOn}; until then the same is read again.
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

  /** In a turn of its own: a journal in memory takes no time. */
  private async page(limit: number) {
    await nextTurn();
    return this.parts.journal.events({ ...this.wanted.query, after: this.upTo, limit });
  }
}
