import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long it keeps others waiting at a time, in milliseconds. */
const SLICE_MS = 2;

/** Lets others have their turn while something takes long. */
export class Turns {
  private since = performance.now();

  /** Waits for the next turn where this one was long enough. */
  async take(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await nextTurn();
    this.since = performance.now();
  }
}
