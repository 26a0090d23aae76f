import type { Cluster } from './cluster.ts';

/** What two nodes record of one run at the same time may lie this far apart, where one is cut off meanwhile; far less than their clocks do. */
const APART_MS = 30_000;

/** Runs whose times step back, or are ahead of the clock of the database: the clocks of nodes are minutes apart. */
export async function proveTimes(cluster: Cluster): Promise<string[]> {
  const rows = await cluster.rows<{ id: string }>(`
    SELECT DISTINCT run_id AS id FROM (
      SELECT run_id, time, lag(time) OVER (PARTITION BY run_id ORDER BY id) AS before FROM events) AS steps
    WHERE time < before - ${String(APART_MS)}
      OR time > extract(epoch FROM clock_timestamp()) * 1000 + ${String(APART_MS)}
    LIMIT 5`);
  return rows.map(({ id }) => `The times of the run ${id} are not those of the database’s clock`);
}
