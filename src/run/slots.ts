/** What takes a slot. */
interface Taker {
  /** Called when it has a slot, which is its own until it is released. */
  begin(): void;
}

/**
 * A bound on how many things go on at once; the rest wait in order. Callbacks rather than promises: every sub-task
 * passes here, and three promises for each would cost a tenth of what a run costs.
 */
export class Slots {
  private readonly waiting = new Set<Taker>();
  /** Stands where the next in line is: a new iterator would pass by all that have left before it. */
  private line = this.waiting.values();
  private handingOut = false;

  constructor(private free: number) {}

  get hasFree(): boolean {
    return this.free > 0;
  }

  get freeCount(): number {
    return this.free;
  }

  /** Begins `taker` at once when a slot is free, else in its turn. */
  take(taker: Taker): void {
    if (this.free > 0 && this.waiting.size === 0) {
      this.free -= 1;
      taker.begin();
      return;
    }
    this.waiting.add(taker);
    this.handOut();
  }

  /** Takes one that waits out of the line; false when it doesn't wait. */
  leave(taker: Taker): boolean {
    return this.waiting.delete(taker);
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
      const next = this.next();
      this.waiting.delete(next);
      this.free -= 1;
      next.begin();
    }
    this.handingOut = false;
  }

  private next(): Taker {
    const { value, done } = this.line.next();
    if (!done) return value;
    this.line = this.waiting.values();
    return this.next();
  }
}
