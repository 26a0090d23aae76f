/** Loaded before the service (`--import`): tells how late its event loop was. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** In milliseconds. */
export interface LoopDelay {
  /** Of the delays since it was asked first; one millisecond, the time between two looks, is none. */
  readonly p99: number;
  /** The longest delay since it was asked last. */
  readonly longest: number;
  /** What the event loop's thread has computed since it was asked last, however often others were given its core. */
  readonly computed: number;
}

if (isMainThread) {
  const all = monitorEventLoopDelay({ resolution: 1 });
  const recent = monitorEventLoopDelay({ resolution: 1 });
  let before = process.threadCpuUsage();
  process.on('message', () => {
    const { user, system } = process.threadCpuUsage(before);
    process.send?.({
      p99: all.percentile(99) / 1e6,
      longest: recent.max / 1e6,
      computed: (user + system) / 1e3,
    } satisfies LoopDelay);
    all.enable();
    recent.enable();
    recent.reset();
    before = process.threadCpuUsage();
  });
  process.channel?.unref();
}
