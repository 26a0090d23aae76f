import { Slots, type SlotLine, type Taker } from './slots.js';

/** Bounds how many of each key go on at once. Whoever has a slot of its key needs one of those behind as well. */
export class KeyBound<T extends Taker> implements SlotLine<T> {
  /** Of the keys that hold a slot or wait for one. */
  private readonly keys = new Map<string | undefined, { readonly slots: Slots<T>; users: number }>();

  constructor(
    private readonly perKey: number,
    private readonly behind: (taker: T) => SlotLine<T>,
  ) {}

  /** Whether one more of a key could go on, as far as this bound goes. */
  hasFree(key: string | undefined): boolean {
    return this.keys.get(key)?.slots.hasFree ?? true;
  }

  take(taker: T): void {
    let kept = this.keys.get(taker.key);
    if (!kept) this.keys.set(taker.key, (kept = { slots: new Slots<T>(this.perKey, this.behind), users: 0 }));
    kept.users += 1;
    kept.slots.take(taker);
  }

  leave(taker: T): boolean {
    const kept = this.keys.get(taker.key);
    if (!kept?.slots.leave(taker)) return false;
    this.tidy(taker, kept);
    return true;
  }

  release(taker: T): void {
    const kept = this.keys.get(taker.key);
    if (!kept) return;
    kept.slots.release(taker);
    this.tidy(taker, kept);
  }

  private tidy({ key }: T, kept: { users: number }): void {
    kept.users -= 1;
    if (kept.users === 0) this.keys.delete(key);
  }
}
