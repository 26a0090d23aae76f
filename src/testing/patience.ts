import { clearTimeout, setTimeout } from 'node:timers';
import type { FakeClock } from './fake-clock.js';

/** Fails the waits of tests that forget to advance the clock. */
export class Patience {
  /**
   * @param ms how long a wait may take while the clock stands still, in milliseconds of real time
   * @param clock undefined for real time: then a wait may take any time
   * @param settle waits until everything that needs no time has happened
   */
  constructor(
    private readonly ms: number,
    private readonly clock: FakeClock | undefined,
    private readonly settle: () => Promise<void>,
  ) {}

  async await<T>(run: { describe(): string }, what: string, awaited: Promise<T>): Promise<T> {
    const { promise: end, reject } = Promise.withResolvers<never>();
    const timer =
      this.clock &&
      setTimeout(() => {
        reject(new Error(`There is no ${what}: ${run.describe()}. ${this.advice()}`));
      }, this.ms);
    try {
      const result = await Promise.race([awaited, end]);
      await this.settle();
      return result;
    } finally {
      clearTimeout(timer);
    }
  }

  private advice(): string {
    const ms = this.clock?.nextInMs;
    if (ms === undefined)
      return 'Nothing is due on the clock of the test: let a stub settle, or cancel the run';
    return `The clock of the test stands still; let time pass: await fr.advance('${Math.ceil(ms)}ms')`;
  }
}
