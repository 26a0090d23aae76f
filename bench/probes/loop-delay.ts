/** Preloaded into a Node server (`--import`): tells how late the event loop of its main thread was. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { answer } from './answer.ts';

/** Milliseconds between two looks. Node counts them in: the delay of a loop with nothing to do is as much. */
const RESOLUTION = 1;

if (isMainThread) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  const milliseconds = (nanoseconds: number) => nanoseconds / 1e6;
  answer('loop-delay', () => {
    const delay = {
      p50: milliseconds(histogram.percentile(50)),
      p99: milliseconds(histogram.percentile(99)),
      max: milliseconds(histogram.max),
    };
    histogram.reset();
    return delay;
  });
}
