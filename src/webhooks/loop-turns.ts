import { setImmediate as nextTurn } from 'node:timers/promises';

/** Gives each that asks a turn of the event loop of its own: however many webhooks an event is for, they hold up no request. */
export class LoopTurns {
  private last: Promise<unknown> = Promise.resolve();

  next(): Promise<unknown> {
    this.last = this.last.then(() => nextTurn());
    return this.last;
  }
}
