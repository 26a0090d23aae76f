import { Slots, type SlotLine, type Taker } from './slots.js';

/** Bounds how many sub-tasks of each key run at once. A sub-task needs a slot of its key, and then one of the slots behind. */
export class KeyBound<T extends Taker> implements SlotLine<T> {
  /** The slots of keys that hold a slot or wait for one. */
  private readonly keys = new Map<string | undefined, { readonly slots: Slots<T>; users: number }>();

  constructor(
    private readonly perKey: number,
    private readonly behind: (taker: T) => SlotLine<T>,
  ) {}

  /** Whether this bound would let one more sub-task of a key begin. */
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
