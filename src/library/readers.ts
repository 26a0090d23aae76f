import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a stop waits for those who are behind. */
const CATCH_UP_MS = 1_000;

/** Those who read the events of an instance. */
export class Readers {
  private readonly stopped = new AbortController();
  private readonly reads = new Set<Promise<unknown>>();

  /** Aborted when the runs of the instance have stopped: no more events come. */
  get ended(): AbortSignal {
    return this.stopped.signal;
  }

  /** Keeps a page that somebody reads, until it is there. */
  async read<T>(page: Promise<T>): Promise<T> {
    this.reads.add(page);
    try {
      return await page;
    } finally {
      this.reads.delete(page);
    }
  }

  /** No more events come. Resolves when those who read on at once have read what is left, or after a second. */
  async end(): Promise<void> {
    this.stopped.abort();
    const until = performance.now() + CATCH_UP_MS;
    await nextTurn();
    while (this.reads.size > 0 && performance.now() < until) {
      await Promise.allSettled(this.reads);
      await nextTurn();
    }
  }
}
