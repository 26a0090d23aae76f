import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../run/journal.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import { TaskStatistics } from './task-statistics.js';

export const SAVE_EVERY_MS = 10_000;
/** The most events that a start reads, so that it doesn't take long. There are hardly ever as many between two saves. */
export const MAX_BEHIND = 100_000;
/** How many events back a start looks for the beginnings of runs that were under way. */
export const MAX_LOOK_BACK = 20_000;
const PAGE = 1_000;

/**
 * Feeds the statistics with committed events, and saves them in the journal every ten seconds, with the id of the last counted event. A start
 * continues with the events after that id, so no count gets lost, however the process ended. If loading or saving fails, the service goes on.
 *
 * Of the nodes that share a journal, one counts for all. The other nodes read what that node has saved.
 */
@Injectable()
export class StatisticsKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = loggerOf('statistics');
  private timer: NodeJS.Timeout | undefined;
  private unwatch: (() => void) | undefined;
  private turning: Promise<void> | undefined;
  private savedUpTo: number | undefined;
  private failing = false;

  constructor(
    private readonly statistics: TaskStatistics,
    private readonly journal: Journal,
    private readonly bus: EventBus,
  ) {}

  /** Called when all tasks are known, before any run is accepted or resumed. */
  async onApplicationBootstrap(): Promise<void> {
    await this.turn();
    this.timer = setInterval(() => void this.turn(), SAVE_EVERY_MS).unref();
  }

  /** Called when all events are published, and the journal is still open. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    const isCounting = this.unwatch !== undefined;
    this.unwatch?.();
    await this.turning;
    if (isCounting) await this.save();
  }

  private turn(): Promise<void> {
    this.turning ??= this.takeTurn().finally(() => (this.turning = undefined));
    return this.turning;
  }

  private async takeTurn(): Promise<void> {
    if ((await this.journal.sharing?.leads()) === false) await this.read();
    else if (this.unwatch) await this.save();
    else await this.beginCounting();
  }

  /** Takes over the statistics that the counting node has saved. */
  private async read(): Promise<void> {
    this.unwatch?.();
    this.unwatch = undefined;
    try {
      const saved = await this.journal.savedStatistics();
      if (saved) this.statistics.restore(saved);
    } catch (error) {
      this.logger.warn(`The statistics of the other nodes can’t be read: ${textOf(error)}`);
    }
  }

  private async beginCounting(): Promise<void> {
    /** Events that are published meanwhile. They are counted after all earlier ones. */
    let early: (readonly RunEvent[])[] | undefined = [];
    this.unwatch = this.bus.watchAll((events) => {
      if (early) early.push(events);
      else this.statistics.count(events);
    });
    try {
      await this.load();
    } catch (error) {
      this.statistics.beginBehind(this.journal.lastEventId);
      this.logger.warn(`The statistics of earlier runs can’t be read, and begin anew: ${textOf(error)}`);
    }
    this.statistics.leaveRuns();
    for (const events of early) this.statistics.count(events);
    early = undefined;
  }

  private async load(): Promise<void> {
    const saved = await this.journal.savedStatistics();
    if (!saved) {
      this.statistics.beginBehind(this.journal.lastEventId);
      // Saved at once, so that the next start knows from which event to go on.
      await this.save();
      return;
    }
    const { lastEventId } = this.journal;
    this.savedUpTo = saved.upTo;
    this.statistics.restore(saved);
    let after = Math.max(saved.readFrom, saved.upTo - MAX_LOOK_BACK, lastEventId - MAX_BEHIND);
    this.statistics.beginBehind(after);
    while (after < lastEventId) {
      const { events, next } = await this.journal.events({ after, limit: PAGE });
      this.statistics.count(events);
      after = next;
    }
    this.statistics.beginBehind(lastEventId);
  }

  private async save(): Promise<void> {
    const kept = this.statistics.forgetOld();
    if (this.statistics.upTo === this.savedUpTo) return;
    const { statistics, putBack } = await this.statistics.takeUnsaved();
    try {
      await this.journal.saveStatistics(statistics, kept);
      this.savedUpTo = statistics.upTo;
      this.failing = false;
    } catch (error) {
      putBack();
      if (!this.failing)
        this.logger.warn(`Statistics can’t be saved, which is tried again: ${textOf(error)}`);
      this.failing = true;
    }
  }
}
