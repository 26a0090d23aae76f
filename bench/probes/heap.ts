/** Preloaded into a Node server (`--expose-gc --import`): tells the live heap, after a full collection that pauses it. */
import { answer } from './answer.ts';

answer('heap', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
});
