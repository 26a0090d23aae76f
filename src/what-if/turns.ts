import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a calculation may block others at a time, in milliseconds. */
const SLICE_MS = 2;

/** Lets a long calculation give others their turns of the event loop. */
export class Turns {
  private since = performance.now();

  /** Waits for the next turn if this one has lasted long enough. */
  async take(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await nextTurn();
    this.since = performance.now();
  }
}
