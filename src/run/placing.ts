import { KeyBound } from './key-bound.js';
import { Slots, type Taker } from './slots.js';

/** How many sub-tasks with a key this node sends to workers at once: enough for a few batches. */
const ON_THEIR_WAY = 40;
/** How many of one key: others must not wait for what one key can’t begin elsewhere. */
const OF_ONE_KEY = 20;

/** A sub-task that leaves its node. */
interface Leaving {
  readonly key: string | undefined;
  place(): void;
}

/**
 * Lets sub-tasks with keys leave this node for workers in turns. Workers take sub-tasks in the order of the queue, so the burst of one key would hold up all
 * others there.
 */
export class Placing {
  private readonly slots = new Slots(ON_THEIR_WAY);
  private readonly bound = new KeyBound<Taker>(OF_ONE_KEY, () => this.slots);
  /** Sub-tasks that wait for their turn, or are on their way. */
  private readonly takers = new Map<Leaving, Taker>();

  /** Places a sub-task in its turn. */
  enter(leaving: Leaving): void {
    const taker = {
      key: leaving.key,
      begin: () => {
        leaving.place();
      },
    };
    this.takers.set(leaving, taker);
    this.bound.take(taker);
  }

  /** Called when a sub-task has begun elsewhere, or has ended. It is ignored for sub-tasks that never entered. */
  leave(leaving: Leaving): void {
    const taker = this.takers.size > 0 ? this.takers.get(leaving) : undefined;
    if (!taker) return;
    this.takers.delete(leaving);
    if (!this.bound.leave(taker)) this.bound.release(taker);
  }
}
