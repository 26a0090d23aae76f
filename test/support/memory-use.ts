/** Loaded before the service (`--expose-gc --import`): tells what it takes in memory after a full collection. */
import { isMainThread } from 'node:worker_threads';

/** In bytes. */
export interface MemoryUse {
  /** Objects on the heap, and buffers and strings outside of it. */
  readonly live: number;
  /** What of the process is in the machine’s memory. */
  readonly resident: number;
}

if (isMainThread) {
  process.on('message', () => {
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ live: heapUsed + external, resident: rss } satisfies MemoryUse);
  });
  process.channel?.unref();
}
