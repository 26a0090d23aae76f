/**
 * Preloaded into a Node server (`--expose-gc --import`): answers any message of the bench with the live heap
 * in bytes, that is what a full collection leaves, including memory outside V8's heap.
 */
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.(heapUsed + external);
});

// The bench must not keep alive a server that has ended otherwise.
process.channel?.unref();
