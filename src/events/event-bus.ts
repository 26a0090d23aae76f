import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { originFields, type OriginFields, type RunOrigin } from '../core/run-origin.js';
import { stackOf, textOf } from '../core/thrown.js';
import type { RunEvent } from '../core/events.js';

/** Who follows a run. */
interface Following {
  readonly tell: (event: RunEvent) => void;
  /** The last event that it was told of. */
  toldUpTo: number;
}

/**
 * Hands the journal's committed events on, in their order: first to whoever follows the run, then, once the
 * replies are on their way, to the listeners of the process and to watchers.
 *
 * Where several nodes share the log, this one's events come twice: as its own as soon as they are committed, for followers and
 * listeners, so that each event has the listeners of one node; and in the log with those of others, for watchers.
 */
@Injectable()
export class EventBus implements OnModuleDestroy {
  private readonly followers = new Map<string, Following>();
  /** Runs of which other nodes commit events too: their followers hear of them in the order of the log. Some come before a follower does. */
  private readonly shared = new Map<string, RunEvent[]>();
  private readonly watchers = new Map<string, Set<(event: RunEvent) => void>>();
  private readonly allWatchers = new Set<(events: readonly RunEvent[]) => void>();
  private forListeners: RunEvent[] = [];
  private forWatchers: RunEvent[] = [];
  private later: NodeJS.Immediate | undefined;
  /** Of the runs that listeners are still to hear of. */
  private readonly origins = new Map<string, OriginFields>();
  private readonly logger = new Logger(EventBus.name);

  constructor(private readonly emitter: EventEmitter2) {}

  /** The runs whose events somebody here waits for, or `all`. */
  get wanted(): 'all' | ReadonlySet<string> {
    if (this.allWatchers.size > 0) return 'all';
    return new Set([...this.watchers.keys(), ...this.shared.keys()]);
  }

  /**
   * Tells `follower` of the events that a run commits from now on, up to `run.finished`. A run has one follower.
   *
   * @param past how far the run has come, where this process didn't start it or it was reopened
   */
  follow(
    runId: string,
    follower: (event: RunEvent) => void,
    past?: RunOrigin & { readonly lastEventId: number },
  ): void {
    this.followers.set(runId, { tell: follower, toldUpTo: past?.lastEventId ?? 0 });
    if (past) this.origins.set(runId, originFields(past));
    for (const event of this.shared.get(runId)?.splice(0) ?? []) this.tellFollower(event);
  }

  /** Lets the follower of a run, which there may be already or not yet, hear of what other nodes commit of it too. */
  share(runId: string): void {
    if (!this.shared.has(runId)) this.shared.set(runId, []);
  }

  /** Undoes {@link share} for a run that nobody came to follow. */
  unshare(runId: string): void {
    if (!this.followers.has(runId)) this.shared.delete(runId);
  }

  /** Lets nobody follow runs any more: another node goes on with them. */
  unfollowAll(): void {
    this.followers.clear();
    this.shared.clear();
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

  /** What this process alone writes. */
  publish(events: readonly RunEvent[]): void {
    this.publishOwn(events);
    this.publishLog(events);
  }

  /** What this node has committed. */
  publishOwn(events: readonly RunEvent[]): void {
    for (const event of events) {
      if (event.type === 'run.started') this.origins.set(event.runId, originFields(event.data));
      if (!this.shared.has(event.runId)) this.tellFollower(event);
      this.forListeners.push(event);
    }
    this.tellTheOthersLater();
  }

  /** What all nodes have committed, in the order of the log; where nobody wants some of it, without that. */
  publishLog(events: readonly RunEvent[]): void {
    for (const event of events) {
      const early = this.shared.get(event.runId);
      if (early && !this.followers.has(event.runId)) early.push(event);
      else if (early) this.tellFollower(event);
      this.forWatchers.push(event);
    }
    this.tellTheOthersLater();
  }

  /** Tells the listeners what they haven't heard yet, before a stop takes them away. */
  onModuleDestroy(): void {
    clearImmediate(this.later);
    this.tellTheOthers();
  }

  private tellFollower(event: RunEvent): void {
    const following = this.followers.get(event.runId);
    if (!following || event.id <= following.toldUpTo) return;
    following.toldUpTo = event.id;
    try {
      following.tell(event);
    } catch (error) {
      this.logger.error({
        msg: `What follows the run failed on ${event.type} (event ${event.id}): ${textOf(error)}`,
        runId: event.runId,
        ...this.origins.get(event.runId),
        stack: stackOf(error),
      });
    }
    if (event.type !== 'run.finished') return;
    this.followers.delete(event.runId);
    this.shared.delete(event.runId);
  }

  private tellTheOthersLater(): void {
    this.later ??= setImmediate(() => {
      this.tellTheOthers();
    });
  }

  private tellTheOthers(): void {
    this.later = undefined;
    const { forListeners, forWatchers } = this;
    this.forListeners = [];
    this.forWatchers = [];
    if (forWatchers.length > 0) for (const watcher of this.allWatchers) watcher(forWatchers);
    for (const event of this.watchers.size > 0 ? forWatchers : [])
      for (const watcher of this.watchers.get(event.runId) ?? []) watcher(event);
    for (const event of forListeners) this.tellListeners(event);
  }

  private tellListeners(event: RunEvent): void {
    const origin = this.origins.get(event.runId) ?? {};
    try {
      this.emitter.emit(event.type, event, origin);
    } catch (error) {
      const msg = `A listener without @OnRunEvent failed on ${event.type} (event ${event.id}): ${textOf(error)}`;
      this.logger.error({ msg, runId: event.runId, ...origin, stack: stackOf(error) });
    }
    // A run that was reopened since has a follower again.
    if (event.type === 'run.finished' && !this.followers.has(event.runId)) this.origins.delete(event.runId);
  }
}
