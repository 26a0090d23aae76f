import type { Clock } from '../core/clock.js';

/** Sleeps until it is woken. A call to wake while it is awake ends its next sleep at once. */
export class Sleeper {
  private isWoken = false;
  private sleepsThrough = false;
  private getUp: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** @param isUrgent whether it ends {@link sleepThrough} as well */
  wake(isUrgent: boolean): void {
    this.isWoken = true;
    if (isUrgent || !this.sleepsThrough) this.getUp?.();
  }

  /** At most so long. */
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

  /** So long, whoever wakes it, unless it is urgent. */
  async sleepThrough(ms: number): Promise<void> {
    this.isWoken = false;
    this.sleepsThrough = true;
    await this.sleep(ms);
    this.sleepsThrough = false;
  }
}
