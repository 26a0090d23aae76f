import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../run/journal.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import { TaskStatistics } from './task-statistics.js';

export const SAVE_EVERY_MS = 10_000;
/** A start reads at most so many events, so that nobody waits for it. Between two saves there are hardly as many. */
export const MAX_BEHIND = 100_000;
/** How many events back a start looks for the beginnings of runs that were under way. */
export const MAX_LOOK_BACK = 20_000;
const PAGE = 1_000;

/**
 * Feeds the statistics with the committed events, and keeps them in the journal: what was counted up to some event, from time
 * to time. A start counts the events since, so nothing that was counted is forgotten, however the process ended. Whatever
 * goes wrong with that, the service goes on.
 *
 * Of the nodes that share a journal one counts for all; the others read what it has saved.
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
      // From here on a start knows where to go on.
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
