import { Turns, type Keyed } from './turns.js';

/** Something that takes a slot. Its key stays the same while it waits for a slot or has one. */
export interface Taker extends Keyed {
  /** Called when it gets a slot. It has the slot until `release`. */
  begin(): void;
}

/** Where slots are taken and released. */
export interface SlotLine<T extends Taker = Taker> {
  /** Begins `taker` at once when a slot is free, else in its turn. */
  take(taker: T): void;
  /** Removes a waiting taker from the line; returns false when it doesn't wait. */
  leave(taker: T): boolean;
  /** Gives back the slot of a taker. */
  release(taker: T): void;
}

/**
 * A bound on how many things go on at once; the rest wait for their turn: see {@link Turns}. Callbacks rather than promises: every sub-task
 * passes here, and three promises for each would cost a tenth of what a run costs.
 */
export class Slots<T extends Taker = Taker> implements SlotLine<T> {
  private readonly turns = new Turns<T>();
  private handingOut = false;

  /**
   * @param free how many slots there are
   * @param behind further slots that each taker needs as well. A taker holds none of those while it waits for one of these
   */
  constructor(
    private free: number,
    private readonly behind?: (taker: T) => SlotLine<T>,
  ) {}

  get hasFree(): boolean {
    return this.free > 0;
  }

  get freeCount(): number {
    return this.free;
  }

  take(taker: T): void {
    if (this.free > 0 && this.turns.waiting === 0) {
      this.turns.began(taker);
      this.grant(taker);
      return;
    }
    this.turns.add(taker);
    this.handOut();
  }

  leave(taker: T): boolean {
    if (this.turns.delete(taker)) return true;
    if (!this.behind?.(taker).leave(taker)) return false;
    this.takeBack(taker);
    return true;
  }

  release(taker: T): void {
    this.behind?.(taker).release(taker);
    this.takeBack(taker);
  }

  private grant(taker: T): void {
    this.free -= 1;
    if (this.behind) this.behind(taker).take(taker);
    else taker.begin();
  }

  private takeBack(taker: T): void {
    this.free += 1;
    this.turns.ended(taker);
    this.handOut();
  }

  /** A loop, not a recursion: thousands of waiting takers may give their slots back at once. */
  private handOut(): void {
    if (this.handingOut) return;
    this.handingOut = true;
    while (this.free > 0) {
      const next = this.turns.next();
      if (next === undefined) break;
      this.grant(next);
    }
    this.handingOut = false;
  }
}
