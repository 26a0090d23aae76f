import type { Cluster } from './cluster.ts';

/** What all keys begin with. */
export const KEY = 'key-';

/** Where a key has several runs. Callers send their keys as the ids of their requests too, which runs are recorded with. */
export async function proveKeys(cluster: Cluster): Promise<string[]> {
  const rows = await cluster.rows<{ key: string; runs: string }>(`
    SELECT data::json ->> 'requestId' AS key, string_agg(run_id, ', ') AS runs
    FROM events
    WHERE type = 'run.started' AND data::json ->> 'requestId' LIKE '${KEY}%'
    GROUP BY 1 HAVING count(*) > 1`);
  return rows.map(({ key, runs }) => `The key ${key} has several runs: ${runs}`);
}
