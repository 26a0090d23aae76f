/** Longest time for which runs are held back, in milliseconds. Without it, nodes with batches of the same keys could wait for each other forever. */
const MOST_HELD_MS = 1_000;

/** Lets the runs of a batch start in one turn of the event loop, so that the journal commits them together. */
export class StartGate {
  private readonly opened = Promise.withResolvers<undefined>();
  private awaited = 0;
  private timer: NodeJS.Timeout | undefined;

  /** Settles as `ready` does, but only when all other calls under way are ready too, or a second has passed. */
  async pass<T>(ready: T | Promise<T>): Promise<T> {
    this.timer ??= setTimeout(this.opened.resolve, MOST_HELD_MS, undefined);
    this.awaited += 1;
    try {
      return await ready;
    } finally {
      this.awaited -= 1;
      if (this.awaited === 0) {
        clearTimeout(this.timer);
        this.opened.resolve(undefined);
      }
      await this.opened.promise;
    }
  }
}
