import type { Clock } from '../core/clock.js';

/** Sleeps until it is woken. A call of `wake` while it is awake ends the next sleep at once. */
export class Sleeper {
  private isWoken = false;
  private sleepsThrough = false;
  private getUp: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** @param isUrgent whether to end {@link sleepThrough} too */
  wake(isUrgent: boolean): void {
    this.isWoken = true;
    if (isUrgent || !this.sleepsThrough) this.getUp?.();
  }

  /** Sleeps for at most `ms` milliseconds. */
  async sleep(ms: number): Promise<void> {
    if (!this.isWoken) {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const timer = this.clock.setTimeout(resolve, ms);
      this.getUp = resolve as () => void;
      await promise;
      this.clock.clearTimeout(timer);
    }
    this.isWoken = false;
  }

  /** Sleeps for `ms` milliseconds. Only an urgent call of `wake` ends this early. */
  async sleepThrough(ms: number): Promise<void> {
    this.isWoken = false;
    this.sleepsThrough = true;
    await this.sleep(ms);
    this.sleepsThrough = false;
  }
}
