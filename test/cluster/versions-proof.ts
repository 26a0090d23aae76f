import { count } from '../crash/log-proof.ts';
import type { Cluster } from './cluster.ts';

interface VersionsProof {
  readonly violations: readonly string[];
  /** How many runs of the newer task have ended. */
  readonly runs: number;
}

/** Runs of the newer task that a node failed which doesn't know it. */
export async function proveVersions(cluster: Cluster): Promise<VersionsProof> {
  const failed = await cluster.rows<{ id: string }>(`
    SELECT DISTINCT run_id AS id FROM events
    WHERE type = 'sub-task.failed' AND data::json -> 'error' ->> 'code' = 'task-unknown'`);
  return {
    violations: failed.map(({ id }) => `The run ${id} was failed by a node that doesn’t know its task`),
    runs: await count(cluster, "SELECT count(*) AS count FROM runs WHERE task = 'crash-newer'"),
  };
}
