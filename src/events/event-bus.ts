import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { stackOf, textOf } from '../tasks/thrown.js';
import type { RunEvent } from './catalog.js';

/**
 * Hands the journal's committed events on, in their order: first to whoever follows the run, then, once the
 * replies are on their way, to the listeners of the process.
 */
@Injectable()
export class EventBus implements OnModuleDestroy {
  private readonly followers = new Map<string, (event: RunEvent) => void>();
  private forListeners: RunEvent[] = [];
  private readonly logger = new Logger(EventBus.name);

  constructor(private readonly emitter: EventEmitter2) {}

  /** Tells `follower` of the events that a run commits from now on, up to `run.finished`. A run has one follower. */
  follow(runId: string, follower: (event: RunEvent) => void): void {
    this.followers.set(runId, follower);
  }

  publish(events: readonly RunEvent[]): void {
    for (const event of events) {
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
        stack: stackOf(error),
      });
    }
    if (event.type === 'run.finished') this.followers.delete(event.runId);
  }

  private tellListeners(): void {
    const events = this.forListeners;
    this.forListeners = [];
    for (const event of events) {
      try {
        this.emitter.emit(event.type, event);
      } catch (error) {
        const msg = `A listener without @OnRunEvent failed on ${event.type} (event ${event.id}): ${textOf(error)}`;
        this.logger.error({ msg, runId: event.runId, stack: stackOf(error) });
      }
    }
  }
}
