/** Tells runs the time and sets their timers. Tests use a clock that stands still: see `src/testing`. */
export class Clock {
  /** Milliseconds on the clock of `performance.now()`. */
  elapsed(): number {
    return performance.now();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now();
  }

  setTimeout<T = undefined>(call: (argument: T) => void, ms: number, argument?: T): NodeJS.Timeout {
    return setTimeout(call as (argument?: T) => void, ms, argument);
  }

  clearTimeout(timer: NodeJS.Timeout | undefined): void {
    clearTimeout(timer);
  }
}

/** The clock of this machine. */
export const systemClock = new Clock();
