import Queue from 'yocto-queue';

/**
 * A bound on how many things go on at once; the rest wait in order. Callbacks rather than promises: every sub-task
 * passes here, and three promises for each would cost a tenth of what a run costs.
 */
export class Slots {
  private readonly waiting = new Queue<() => void>();
  private handingOut = false;

  constructor(private free: number) {}

  /** Calls `begin` at once when a slot is free, else in its turn. It has the slot until {@link release}. */
  take(begin: () => void): void {
    this.waiting.enqueue(begin);
    this.handOut();
  }

  release(): void {
    this.free += 1;
    this.handOut();
  }

  /** A loop, not a recursion: thousands of those that wait may give their slot back at once. */
  private handOut(): void {
    if (this.handingOut) return;
    this.handingOut = true;
    while (this.free > 0 && this.waiting.size > 0) {
      this.free -= 1;
      this.waiting.dequeue()?.();
    }
    this.handingOut = false;
  }
}
