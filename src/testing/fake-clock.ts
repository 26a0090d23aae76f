import { Clock } from '../core/clock.js';

interface Timer {
  readonly atMs: number;
  readonly call: () => void;
}

/** A clock that stands still until it is advanced. It patches no globals: only code that gets this clock uses it. */
export class FakeClock extends Clock {
  private readonly startedAt = Date.now();
  private readonly timers = new Set<Timer>();
  private passedMs = 0;

  override elapsed(): number {
    return this.passedMs;
  }

  override now(): number {
    return this.startedAt + this.passedMs;
  }

  override setTimeout<T>(call: (argument: T) => void, ms: number, argument?: T): NodeJS.Timeout {
    const timer: Timer = {
      atMs: this.passedMs + Math.max(0, ms),
      call: () => {
        call(argument as T);
      },
    };
    this.timers.add(timer);
    return timer as unknown as NodeJS.Timeout;
  }

  override clearTimeout(timer: NodeJS.Timeout | undefined): void {
    this.timers.delete(timer as unknown as Timer);
  }

  /** How long until the next timer is due, in milliseconds; undefined where there is none. */
  get nextInMs(): number | undefined {
    const next = this.next();
    return next && next.atMs - this.passedMs;
  }

  /** Runs the timers that become due, in order. @param settle waits until everything that needs no time has happened */
  async advance(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.passedMs + ms;
    for (let next = this.next(); next && next.atMs <= until; next = this.next()) {
      this.timers.delete(next);
      this.passedMs = Math.max(this.passedMs, next.atMs);
      next.call();
      await settle();
    }
    this.passedMs = Math.max(this.passedMs, until);
  }

  /** The timer that is due first; of timers with the same time, the one that was set first. */
  private next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) if (!first || timer.atMs < first.atMs) first = timer;
    return first;
  }
}
