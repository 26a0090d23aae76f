import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { RunEvent } from '../core/events.js';
import { Measures } from '../core/measures.js';
import type { LearntOrder, ReplyTimes } from '../run/reply-times.js';
import type { SavedStatistics, StatisticsSlice } from '../run/journal.js';
import type { TaskDefinition } from '../core/task.js';
import { TaskRegistry } from '../tasks/task-registry.js';
import { textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import { learntOrder } from './learnt-order.js';
import { learntTime } from './learnt-time.js';
import type { Observation } from './product-limit.js';
import { RaceProjection } from './race-projection.js';
import { MOST_RECENT } from './recent-ends.js';
import { SlidingWindow, windowAt } from './sliding-window.js';
import { TaskSlice } from './task-slice.js';

/** How long an order is cached in which some sub-tasks have no place yet, in milliseconds. */
const UNSETTLED_MS = 50;
/** How long a learnt reply time or order is cached, in milliseconds. */
const LEARNT_MS = 1_000;

/** Statistics to save, and a function that puts them back if saving fails. */
export interface Unsaved {
  readonly statistics: SavedStatistics;
  readonly putBack: () => void;
}

/** Statistics of the recent runs of each task: up to an hour, by the time of events. */
@Injectable()
export class TaskStatistics implements ReplyTimes {
  private readonly logger = loggerOf('statistics');
  private readonly window = new SlidingWindow();
  private readonly projection: RaceProjection;
  /** Events up to this one are counted in the restored statistics. */
  private restoredUpTo = 0;
  private lastId = 0;
  /** Whether the counted events have just happened, and are not read again from the log. */
  private isLive = true;
  /** Events that wait while a snapshot is made. */
  private held: (readonly RunEvent[])[] | undefined;
  private readonly learnt = new Map<string, { readonly ms: number; readonly at: number }>();
  /** Learnt orders by the task's declaration, so that no order outlives it. */
  private readonly orders = new WeakMap<
    TaskDefinition,
    { readonly order: LearntOrder; readonly until: number }
  >();

  constructor(
    private readonly registry: TaskRegistry,
    measures: Measures,
  ) {
    this.projection = new RaceProjection(
      (task, ms, id) => (id > this.restoredUpTo ? this.window.at(task, ms) : new TaskSlice()),
      (task) => registry.find(task),
      (...compared) => {
        if (this.isLive) for (const hearer of measures.hearers) hearer.compared(...compared);
      },
    );
  }

  /** The last event that is counted. */
  get upTo(): number {
    return this.lastId;
  }

  /**
   * A quantile of the recent reply times of a task: a reply takes longer than this with a probability of `1 - quantile`. It is taken from the
   * last thousand or so replies with a result, in runs with the reply policy that the task declares. When callers were shown a stream, the time
   * to its first chunk counts. The value is cached for a second.
   *
   * @param quantile from 0 to 1
   * @returns milliseconds; undefined as long as too few replies are known: ten beyond the quantile, but 20 to 1,000 in all
   */
  replyTime(task: string, quantile: number): number | undefined {
    const key = `${String(quantile)} ${task}`;
    const now = performance.now();
    const known = this.learnt.get(key);
    if (known && now - known.at < LEARNT_MS) return known.ms;
    const policy = this.registry.find(task)?.reply;
    const ms = policy && learntTime(this.slices(task), policy, quantile);
    if (ms === undefined) this.learnt.delete(key);
    else this.learnt.set(key, { ms, at: now });
    return ms;
  }

  /**
   * The order in which the next run starts the sub-tasks, for a task that learns its order. It is learnt from the newest hundred or so ends of
   * each sub-task in the last hour, and from the sub-tasks under way. It is cached for a second, or for 50 ms while some sub-tasks have no place
   * yet.
   */
  learntOrder(task: TaskDefinition): LearntOrder {
    const now = performance.now();
    const known = this.orders.get(task);
    if (known && now < known.until) return known.order;
    const slices = this.slices(task.name);
    const order = learntOrder(
      task.subTasks.map(({ name }) => name).filter((name) => !task.shadows?.has(name)),
      (name) => ({ ended: recentEnds(slices, name), open: this.openEnds(task.name, name) }),
    );
    this.orders.set(task, { order, until: now + (order.allKnown ? LEARNT_MS : UNSETTLED_MS) });
    return order;
  }

  /** The slices of a task within the window, the newest first. */
  slices(task: string): readonly TaskSlice[] {
    return this.window.slices(task, Date.now());
  }

  /** Counts committed events, in their order. Events that are counted already are ignored. */
  count(events: readonly RunEvent[]): void {
    if (this.held) {
      this.held.push(events);
      return;
    }
    for (const event of events) {
      if (event.id <= this.lastId) continue;
      this.lastId = event.id;
      try {
        this.projection.apply(event);
      } catch (error) {
        this.logger.error(`The event ${event.id} (${event.type}) can’t be counted: ${textOf(error)}`);
      }
    }
  }

  /** Makes {@link count} begin after an event. */
  beginBehind(id: number): void {
    this.lastId = id;
  }

  /** Continues from saved statistics, in place of the current ones. Slices that can't be read are left out. */
  restore({ slices, upTo }: SavedStatistics): void {
    this.isLive = false;
    this.window.clear();
    this.restoredUpTo = upTo;
    for (const { task, start, data } of slices) {
      try {
        this.window.restore(task, start, TaskSlice.of(data));
      } catch (error) {
        this.logger.warn(
          `Statistics of the task ${task} from ${new Date(start).toISOString()} on can’t be read, and are left out: ${textOf(error)}`,
        );
      }
    }
  }

  /** Stops counting the runs under way, whose times would include an outage. Events from now on have just happened. */
  leaveRuns(): void {
    this.isLive = true;
    this.projection.leaveRuns();
  }

  /**
   * The changes since the last call, as a snapshot. One slice is serialised in each turn of the event loop, so that many tasks don't block it.
   * Events that come meanwhile are counted afterwards.
   */
  async takeUnsaved(): Promise<Unsaved> {
    const upTo = this.lastId;
    const readFrom = Math.min(upTo, (this.projection.oldestRun ?? Infinity) - 1);
    const changed = this.window.takeChanged();
    const slices: StatisticsSlice[] = [];
    this.held = [];
    for (const { task, start, slice } of changed) {
      if (slices.length > 0) await nextTurn();
      slices.push({ task, start, data: slice.toText() });
    }
    const { held } = this;
    this.held = undefined;
    for (const events of held) this.count(events);
    return {
      statistics: { slices, upTo, readFrom },
      putBack: () => {
        for (const placed of changed) placed.changed = true;
      },
    };
  }

  /** The sub-tasks under way, as observations cut now: each takes at least this long. */
  private openEnds(task: string, name: string): Observation[] {
    const now = Date.now();
    const open = this.projection.openSubTasks(task).filter(({ subTask }) => subTask === name);
    return open.map(({ sinceMs }) => ({ ms: Math.max(0, now - sinceMs), kind: 'cut' }));
  }

  /** Drops slices that are too old. */
  forgetOld(): ReturnType<typeof windowAt> {
    const now = Date.now();
    this.window.forgetOld(now);
    return windowAt(now);
  }
}

/** @param slices the newest first */
function recentEnds(slices: readonly TaskSlice[], subTask: string): Observation[] {
  const newest: Observation[] = [];
  for (const slice of slices) {
    newest.push(...(slice.subTasks.get(subTask)?.recent?.newest() ?? []));
    if (newest.length >= MOST_RECENT) break;
  }
  return newest;
}
