import { Clock } from '../core/clock.js';

interface Timer {
  readonly atMs: number;
  readonly isEvent: boolean;
  readonly call: () => void;
}

/** A clock that jumps from one due time to the next. Recorded events come before timers of the same instant. */
export class ReplayClock extends Clock {
  private readonly timers = new Set<Timer>();
  private passedMs = 0;

  override elapsed(): number {
    return this.passedMs;
  }

  override setTimeout<T>(call: (argument: T) => void, ms: number, argument?: T): NodeJS.Timeout {
    const timer = {
      atMs: this.passedMs + Math.max(0, ms),
      isEvent: false,
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

  /** Schedules a recorded event. @param atMs milliseconds after the beginning */
  at(atMs: number, call: () => void): void {
    this.timers.add({ atMs: Math.max(atMs, this.passedMs), isEvent: true, call });
  }

  /** Jumps to the next due time. @returns false when nothing is due any more */
  step(): boolean {
    let next: Timer | undefined;
    for (const timer of this.timers) if (!next || isBefore(timer, next)) next = timer;
    if (!next) return false;
    this.timers.delete(next);
    this.passedMs = next.atMs;
    next.call();
    return true;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.isEvent && !other.isEvent);
}
