/** Nodes with batches of the same keys wait for each other's runs: none holds its own back for longer than this, in milliseconds. */
const MOST_HELD_MS = 1_000;

/** Lets the runs of a batch start in one turn of the event loop, so that the journal commits them together. */
export class StartGate {
  private readonly opened = Promise.withResolvers<undefined>();
  private awaited = 0;
  private timer: NodeJS.Timeout | undefined;

  /** Settles as `ready` does, but not before all are ready that came here in the same turn, or a second has passed. */
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
