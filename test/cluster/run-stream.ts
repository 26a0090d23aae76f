import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { eventsOf } from './event-lines.ts';

/** How long a reader stays with one node that tells it nothing. */
const STAY_MS = 3_000;
const PAUSE_MS = 60;

/** What a reader was told of one run, through one node after the other. */
export interface RunStream {
  readonly runId: string;
  readonly ids: readonly number[];
}

/**
 * Reads the stream of a run to its end; cut off, it comes back with its Last-Event-ID to any node.
 *
 * @param anyUrl of a node that listens
 */
export async function readRun(
  runId: string,
  anyUrl: () => Promise<string>,
  patienceMs: number,
): Promise<RunStream> {
  const until = performance.now() + patienceMs;
  const ids: number[] = [];
  while (performance.now() < until) {
    const signal = AbortSignal.timeout(STAY_MS);
    try {
      for await (const { id, type } of eventsOf(
        `${await anyUrl()}/runs/${runId}/events`,
        ids.at(-1) ?? 0,
        signal,
      )) {
        ids.push(id);
        if (type === 'run.finished') return { runId, ids };
      }
    } catch {
      // The node was ended or cut off, or keeps silent.
    }
    await sleep(PAUSE_MS);
  }
  return { runId, ids };
}

/** Where what readers of single runs were told is not what the database has. */
export async function proveRunStreams(cluster: Cluster, streams: readonly RunStream[]): Promise<string[]> {
  const rows = await cluster.rows<{ id: string; ids: string }>(`
    SELECT run_id AS id, string_agg(id::text, ', ' ORDER BY id) AS ids FROM events GROUP BY run_id`);
  const recorded = new Map(rows.map(({ id, ids }) => [id, ids]));
  return streams.flatMap(({ runId, ids }) =>
    ids.join(', ') === recorded.get(runId)
      ? []
      : [
          `A reader of the run ${runId} was told of the events ${ids.join(', ')}, not of ${String(recorded.get(runId))}`,
        ],
  );
}
