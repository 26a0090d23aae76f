import { setImmediate as nextTurn } from 'node:timers/promises';

/** Gives each caller a turn of the event loop of its own. So an event for many webhooks doesn't hold up requests. */
export class LoopTurns {
  private last: Promise<unknown> = Promise.resolve();

  next(): Promise<unknown> {
    this.last = this.last.then(() => nextTurn());
    return this.last;
  }
}
