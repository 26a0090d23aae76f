import { Line } from './line.js';

/** Work of a key. Work without a key shares one turn. */
export interface Keyed {
  readonly key?: string | undefined;
}

/** The slots that a key holds, and its members that wait for one. */
class Share<T> {
  held = 0;
  readonly line = new Line<T>();

  /** Shares that are about as large take turns: those of 0, 1, 2–3, 4–7, 8–15 slots, and so on. */
  get ring(): number {
    return 32 - Math.clz32(this.held);
  }
}

/**
 * Decides who gets the next slot: keys that hold the fewest slots go first, and keys that hold about as many take turns. So a key that holds
 * none waits only for others that hold none. Each step takes the same time, however many wait.
 */
export class Turns<T extends Keyed> {
  private count = 0;
  private readonly unkeyed = new Share<T>();
  /** Keys that hold a slot or wait for one. */
  private readonly keyed = new Map<string, Share<T>>();
  /** By {@link Share.ring}: the shares with a waiting member. */
  private readonly rings: (Line<Share<T>> | undefined)[] = [];

  /** How many wait. */
  get waiting(): number {
    return this.count;
  }

  add(taker: T): void {
    const share = this.shareOf(taker);
    share.line.add(taker);
    this.count += 1;
    if (share.line.size === 1) this.ringOf(share).add(share);
  }

  /** Removes a waiting member; returns false when it doesn't wait. */
  delete(taker: T): boolean {
    const share = taker.key === undefined ? this.unkeyed : this.keyed.get(taker.key);
    if (!share?.line.delete(taker)) return false;
    this.count -= 1;
    if (share.line.size === 0) this.ringOf(share).delete(share);
    this.tidy(taker, share);
    return true;
  }

  /** Removes and returns the next one, which holds a slot from then on; undefined when nobody waits. */
  next(): T | undefined {
    for (const ring of this.rings) {
      const share = ring?.shift();
      const taker = share?.line.shift();
      if (!share || taker === undefined) continue;
      this.count -= 1;
      share.held += 1;
      if (share.line.size > 0) this.ringOf(share).add(share);
      return taker;
    }
    return undefined;
  }

  /** Counts a member that gets a slot without having waited. */
  began(taker: T): void {
    this.shareOf(taker).held += 1;
  }

  /** Counts that a member gave its slot back. */
  ended(taker: T): void {
    const share = this.shareOf(taker);
    const before = share.ring;
    share.held -= 1;
    if (share.line.size > 0 && share.ring !== before) {
      this.rings[before]?.delete(share);
      this.ringOf(share).add(share);
    }
    this.tidy(taker, share);
  }

  private shareOf({ key }: T): Share<T> {
    if (key === undefined) return this.unkeyed;
    let share = this.keyed.get(key);
    if (!share) this.keyed.set(key, (share = new Share()));
    return share;
  }

  private ringOf({ ring }: Share<T>): Line<Share<T>> {
    return (this.rings[ring] ??= new Line());
  }

  private tidy({ key }: T, { held, line }: Share<T>): void {
    if (key !== undefined && held === 0 && line.size === 0) this.keyed.delete(key);
  }
}
