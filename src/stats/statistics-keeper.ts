import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../journal/journal.js';
import { textOf } from '../tasks/thrown.js';
import { TaskStatistics } from './task-statistics.js';

export const SAVE_EVERY_MS = 10_000;
/** A start reads no more events than this, so that nobody waits for it: between two saves there are hardly as many. */
export const MAX_BEHIND = 100_000;
/** How far back it looks for the beginnings of runs that were under way, in events. */
export const MAX_LOOK_BACK = 20_000;
const PAGE = 1_000;

/**
 * Feeds the statistics with the committed events, and keeps them in the journal: what was counted up to some event, from time
 * to time. A start counts the events since, so nothing that was counted is forgotten, however the process ended. Whatever
 * goes wrong with that, the service goes on.
 */
@Injectable()
export class StatisticsKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(StatisticsKeeper.name);
  private timer: NodeJS.Timeout | undefined;
  private unwatch: (() => void) | undefined;
  private saving: Promise<void> | undefined;
  private savedUpTo: number | undefined;
  private failing = false;

  constructor(
    private readonly statistics: TaskStatistics,
    private readonly journal: Journal,
    private readonly bus: EventBus,
  ) {}

  /** When all tasks are known, before any run is accepted or taken up: that module depends on this one. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.load();
    } catch (error) {
      this.statistics.beginBehind(this.journal.lastEventId);
      this.logger.warn(`The statistics of earlier runs can’t be read, and begin anew: ${textOf(error)}`);
    }
    this.statistics.leaveRuns();
    this.unwatch = this.bus.watchAll((events) => {
      this.statistics.count(events);
    });
    this.timer = setInterval(() => void this.save(), SAVE_EVERY_MS).unref();
  }

  /** When all has been told of, and the journal is still open. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.unwatch?.();
    await this.saving;
    await this.save();
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

  private save(): Promise<void> {
    this.saving ??= this.saveChanges().finally(() => (this.saving = undefined));
    return this.saving;
  }

  private async saveChanges(): Promise<void> {
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
