/** Loaded before the service (`--expose-gc --import`): tells what it takes in memory after a full collection. */
import { isMainThread } from 'node:worker_threads';

/** In bytes. */
export interface MemoryUse {
  /** What of the process is in the machine’s memory. */
  readonly resident: number;
}

if (isMainThread) {
  process.on('message', () => {
    globalThis.gc?.();
    process.send?.({ resident: process.memoryUsage.rss() } satisfies MemoryUse);
  });
  process.channel?.unref();
}
