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

  /**
   * @param free how many there are
   * @param common whoever has one of these needs one of those as well. It doesn't hold a common one while it waits for one of these
   */
  constructor(
    private free: number,
    private readonly common?: Slots,
  ) {}

  get hasFree(): boolean {
    return this.free > 0 && this.common?.hasFree !== false;
  }

  get freeCount(): number {
    return this.free;
  }

  /** Begins `taker` at once when a slot is free, else in its turn. */
  take(taker: Taker): void {
    if (this.free > 0 && this.waiting.size === 0) {
      this.grant(taker);
      return;
    }
    this.waiting.add(taker);
    this.handOut();
  }

  /** Takes one that waits out of the line; false when it doesn't wait. */
  leave(taker: Taker): boolean {
    if (this.waiting.delete(taker)) return true;
    if (!this.common?.leave(taker)) return false;
    this.takeBack();
    return true;
  }

  release(): void {
    this.common?.release();
    this.takeBack();
  }

  private grant(taker: Taker): void {
    this.free -= 1;
    if (this.common) this.common.take(taker);
    else taker.begin();
  }

  private takeBack(): void {
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
      this.grant(next);
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
