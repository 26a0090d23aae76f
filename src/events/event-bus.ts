import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { RunEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { OriginFields } from '../core/run-origin.js';
import { stackOf, textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { WebhookEvent } from '../core/webhook-event.js';

/** A committed event, and what listeners may need of its run. */
export interface CommittedEvent {
  readonly event: RunEvent;
  readonly run: {
    /** Fields of log lines about the request that started the run. */
    readonly originFields: OriginFields;
    readonly terms?: { readonly replyPolicy: ReplyPolicy };
    /** Time of `run.started`; undefined for a run that was reopened. */
    readonly startedAt?: string | undefined;
  };
}

/**
 * Passes the journal's committed events, in their order, to the listeners of this process and to watchers. It does so in a later turn of
 * the event loop, so that replies go out first. Listeners also hear about webhooks.
 *
 * When several nodes share the log, the bus gets this node's events twice. It gets them once as own events, right after the commit: these
 * go to listeners, so that each event reaches the listeners of one node only. It gets them again from the log, together with the events of
 * other nodes: these go to watchers.
 */
@Injectable()
export class EventBus implements OnModuleDestroy {
  private readonly watchers = new Map<string, Set<(event: RunEvent) => void>>();
  private readonly ownWatchers = new Set<(committed: readonly CommittedEvent[]) => void>();
  private readonly allWatchers = new Set<(events: readonly RunEvent[]) => void>();
  private readonly forgetters = new Set<(runId: string | undefined) => void>();
  private forListeners: CommittedEvent[] = [];
  private forWatchers: RunEvent[] = [];
  private readonly ofWebhooks: WebhookEvent[] = [];
  private later: NodeJS.Immediate | undefined;
  private readonly logger = loggerOf('listener');

  constructor(private readonly emitter: EventEmitter2) {}

  /** The runs whose events have a watcher here, or `all`. */
  get wanted(): 'all' | readonly string[] {
    return this.allWatchers.size > 0 ? 'all' : [...this.watchers.keys()];
  }

  /**
   * Calls `watcher` with each event of a run that is published from now on. A run may have any number of watchers. Watchers must not throw.
   *
   * @returns a function that ends the watch
   */
  watch(runId: string, watcher: (event: RunEvent) => void): () => void {
    const watchers = this.watchers.get(runId) ?? new Set();
    this.watchers.set(runId, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watchers.get(runId) === watchers) this.watchers.delete(runId);
    };
  }

  /** As {@link watch}, for the events of all runs: the events of each turn together. */
  watchAll(watcher: (events: readonly RunEvent[]) => void): () => void {
    this.allWatchers.add(watcher);
    return () => this.allWatchers.delete(watcher);
  }

  /** As {@link watchAll}, for the events that this process has committed, with their runs. */
  watchOwn(watcher: (committed: readonly CommittedEvent[]) => void): () => void {
    this.ownWatchers.add(watcher);
    return () => this.ownWatchers.delete(watcher);
  }

  /** Calls `forget` for each erased run, so that caches drop it; with undefined when any run may be erased. */
  onErased(forget: (runId: string | undefined) => void): void {
    this.forgetters.add(forget);
  }

  /** Tells that a run was erased. @param runId undefined when it is unknown which */
  erased(runId?: string): void {
    for (const forget of this.forgetters) forget(runId);
  }

  /** Publishes the events of a journal that only this process writes. */
  publish(committed: readonly CommittedEvent[]): void {
    this.publishOwn(committed);
    if (this.hasWatchers) for (const { event } of committed) this.forWatchers.push(event);
  }

  /** Publishes events that this node has committed, for listeners. */
  publishOwn(committed: readonly CommittedEvent[]): void {
    for (const one of committed) this.forListeners.push(one);
    this.tellLater();
  }

  /** Publishes events that all nodes have committed, in the order of the log, for watchers. Events without watchers may be left out. */
  publishLog(events: readonly RunEvent[]): void {
    for (const event of events) this.forWatchers.push(event);
    this.tellLater();
  }

  /** Publishes an event about a webhook that this node delivers, or was asked to pause. */
  publishWebhook(event: WebhookEvent): void {
    this.ofWebhooks.push(event);
    this.tellLater();
  }

  /** Passes on all pending events, before the stop destroys the listeners. */
  onModuleDestroy(): void {
    clearImmediate(this.later);
    this.tellAll();
  }

  private get hasWatchers(): boolean {
    return this.allWatchers.size > 0 || this.watchers.size > 0;
  }

  private tellLater(): void {
    this.later ??= setImmediate(this.tellAll);
  }

  private readonly tellAll = (): void => {
    this.later = undefined;
    const { forListeners, forWatchers } = this;
    this.forListeners = [];
    this.forWatchers = [];
    if (forWatchers.length > 0) for (const watcher of this.allWatchers) watcher(forWatchers);
    for (const event of this.watchers.size > 0 ? forWatchers : [])
      for (const watcher of this.watchers.get(event.runId) ?? []) watcher(event);
    if (forListeners.length > 0) for (const watcher of this.ownWatchers) watcher(forListeners);
    for (const one of forListeners) this.tellListeners(one);
    if (this.ofWebhooks.length > 0) for (const event of this.ofWebhooks.splice(0)) this.tellOfWebhook(event);
  };

  private tellListeners({ event, run: { originFields } }: CommittedEvent): void {
    try {
      this.emitter.emit(event.type, event, originFields);
    } catch (error) {
      const msg = `A listener without @OnRunEvent failed on ${event.type} (event ${event.id}): ${textOf(error)}`;
      this.logger.error({ msg, runId: event.runId, ...originFields, stack: stackOf(error) });
    }
  }

  private tellOfWebhook(event: WebhookEvent): void {
    try {
      this.emitter.emit(event.kind, event);
    } catch (error) {
      const msg = `A listener without @OnWebhookEvent failed on ${event.kind} (${event.webhook}): ${textOf(error)}`;
      this.logger.error({ msg, stack: stackOf(error) });
    }
  }
}
