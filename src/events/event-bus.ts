import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { originFields, type OriginFields, type RunOrigin } from '../tasks/run-origin.js';
import { stackOf, textOf } from '../tasks/thrown.js';
import type { RunEvent } from './catalog.js';

/**
 * Hands the journal's committed events on, in their order: first to whoever follows the run, then, once the
 * replies are on their way, to the listeners of the process.
 */
@Injectable()
export class EventBus implements OnModuleDestroy {
  private readonly followers = new Map<string, (event: RunEvent) => void>();
  private readonly watchers = new Map<string, Set<(event: RunEvent) => void>>();
  private readonly allWatchers = new Set<(events: readonly RunEvent[]) => void>();
  private forListeners: RunEvent[] = [];
  /** Of the runs that listeners are still to hear of. */
  private readonly origins = new Map<string, OriginFields>();
  private readonly logger = new Logger(EventBus.name);

  constructor(private readonly emitter: EventEmitter2) {}

  /**
   * Tells `follower` of the events that a run commits from now on, up to `run.finished`. A run has one follower.
   *
   * @param origin the origin of a run that this process didn't start, or that was reopened
   */
  follow(runId: string, follower: (event: RunEvent) => void, origin?: RunOrigin): void {
    this.followers.set(runId, follower);
    if (origin) this.origins.set(runId, originFields(origin));
  }

  /**
   * Tells `watcher` of the events of a run that are published from now on, in the turn of the listeners. A run has any
   * number of watchers; they must not throw.
   *
   * @returns what ends it
   */
  watch(runId: string, watcher: (event: RunEvent) => void): () => void {
    const watchers = this.watchers.get(runId) ?? new Set();
    this.watchers.set(runId, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watchers.get(runId) === watchers) this.watchers.delete(runId);
    };
  }

  /** The same for the events of all runs, each turn's together. */
  watchAll(watcher: (events: readonly RunEvent[]) => void): () => void {
    this.allWatchers.add(watcher);
    return () => this.allWatchers.delete(watcher);
  }

  publish(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.type === 'run.started') this.origins.set(event.runId, originFields(event.data));
      this.tellFollowers(event);
      if (this.forListeners.push(event) === 1)
        setImmediate(() => {
          this.tellListeners();
        });
    }
  }

  /** Tells the listeners what they haven't heard yet, before a stop takes them away. */
  onModuleDestroy(): void {
    this.tellListeners();
  }

  private tellFollowers(event: RunEvent): void {
    try {
      this.followers.get(event.runId)?.(event);
    } catch (error) {
      this.logger.error({
        msg: `What follows the run failed on ${event.type} (event ${event.id}): ${textOf(error)}`,
        runId: event.runId,
        ...this.origins.get(event.runId),
        stack: stackOf(error),
      });
    }
    if (event.type === 'run.finished') this.followers.delete(event.runId);
  }

  private tellListeners(): void {
    const events = this.forListeners;
    this.forListeners = [];
    for (const watcher of this.allWatchers) watcher(events);
    for (const event of events) {
      const origin = this.origins.get(event.runId) ?? {};
      try {
        this.emitter.emit(event.type, event, origin);
        for (const watcher of this.watchers.get(event.runId) ?? []) watcher(event);
      } catch (error) {
        const msg = `A listener without @OnRunEvent failed on ${event.type} (event ${event.id}): ${textOf(error)}`;
        this.logger.error({ msg, runId: event.runId, ...origin, stack: stackOf(error) });
      }
      // A run that was reopened since has a follower again.
      if (event.type === 'run.finished' && !this.followers.has(event.runId)) this.origins.delete(event.runId);
    }
  }
}
