import { randomUUID } from 'node:crypto';

/**
 * The `traceparent` (W3C Trace Context) of an attempt: a new span in the trace of its run. Where the request of the run
 * had no `traceparent`, the trace id is the run's id without its dashes, and the trace is sampled.
 *
 * @param traceparent of the request that started the run, version 00
 */
export function attemptTraceparent(runId: string, traceparent: string | null | undefined): string {
  // The second half of the UUID, without its dash. The first half has the UUID's version.
  const span = randomUUID().slice(19).replace('-', '');
  const ofRun = typeof traceparent === 'string';
  const trace = ofRun ? traceparent.slice(3, 35) : runId.replaceAll('-', '');
  return `00-${trace}-${span}-${ofRun ? traceparent.slice(53) : '01'}`;
}
