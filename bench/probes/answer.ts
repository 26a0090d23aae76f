import { isMainThread } from 'node:worker_threads';

/** The event loop's delay since the last time it was asked for, in milliseconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What can be asked of a Node server into which the probe of that name was preloaded. */
export interface Answers {
  /** Live heap in bytes: what a full collection leaves, memory outside V8's heap included. */
  readonly heap: number;
  /** Commits to SQLite so far, of all threads. */
  readonly commits: number;
  readonly 'loop-delay': LoopDelay;
}

export type Probe = keyof Answers;

/** Lets this process answer the bench when it asks for `probe`. Worker threads, where preloads run too, stay silent. */
export function answer<P extends Probe>(probe: P, measure: () => Answers[P]): void {
  if (!isMainThread) return;
  process.on('message', (asked) => {
    if (asked === probe) process.send?.(measure());
  });
  // The bench must not keep alive a server that has ended otherwise.
  process.channel?.unref();
}
