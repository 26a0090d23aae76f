import type { LogProof } from '../crash/log-proof.ts';
import { figure } from '../crash/report.ts';
import type { StreamsProof } from '../crash/stream-proof.ts';
import type { ToldStream } from '../crash/told-stream.ts';
import type { Callers } from './callers.ts';
import type { Tally } from './node.ts';

export interface Proof extends LogProof {
  readonly newerRuns: number;
  /** For people. */
  readonly streams: string;
  readonly deliveries: string;
  readonly retries: { readonly retries: number; readonly beside: number };
}

/** What was proved of readers of streams, for people. */
export function summaryOfStreams(
  told: readonly ToldStream[],
  { chunks, restarts, resumed }: StreamsProof,
): string {
  const times = (of: 'cutOff' | 'hungUp') => figure(told.reduce((sum, stream) => sum + stream[of], 0));
  return (
    `${figure(told.length)} streams, cut off ${times('cutOff')} times and left ${times('hungUp')} times, had ${figure(chunks)} chunks ` +
    `at any node without gap or change, and began anew ${figure(restarts)} times, announced, ${figure(resumed)} of them on another node`
  );
}

/** What was proved, for people. */
export function summary(
  rounds: number,
  { told, streams, figures }: Callers,
  proof: Proof,
  tally: Tally,
): string {
  return [
    `Proved over ${figure(rounds)} disturbances: ${figure(told.length)} answers are what GET /runs/{id} says at each node, ` +
      `although ${figure(figures.cutOff)} callers were cut off or lost patience and ${figure(figures.refused)} were refused`,
    `${figure(figures.replayed)} that asked again with their key were told the same`,
    `${figure(proof.runs)} runs ended, ${figure(figures.cancelled)} of them cancelled through any node, their sub-tasks with one outcome each`,
    `a standby took the place of Postgres ${figure(tally.failovers)} times, and had all that callers were told`,
    `${figure(proof.retries.retries)} failed sub-tasks were retried on request, ${figure(proof.retries.beside)} of them beside the ends of others, with one outcome more each`,
    `${figure(proof.newerRuns)} runs of a newer task ended, though nodes that don’t know it refused ${figure(figures.unknown)} callers, and ${figure(tally.waited)} of them waited for one that does`,
    `${figure(proof.attempts)} attempts are contiguous, ${figure(proof.cutOff)} of them cut off`,
    `${figure(proof.successes)} successes left their side effect`,
    `nodes took over ${figure(tally.takenOver)} runs, and were taken for dead ${figure(tally.lost)} times while they were not`,
    `${figure(proof.events)} events have no gap, and are the same through each node and for each reader, ${figure(streams.length)} readers of one run among them`,
    proof.streams,
    proof.deliveries,
  ].join('; ');
}
