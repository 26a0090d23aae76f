import { count } from '../crash/log-proof.ts';
import type { Cluster } from './cluster.ts';

const MAX_NAMED = 5;

/** What nodes leave to each other; at rest there is nothing of it. */
const LEFT = {
  placed: 'SELECT count(*) AS count FROM placed',
  'runs that wait for a newer node': 'SELECT count(*) AS count FROM waiting_runs',
  commands: 'SELECT count(*) AS count FROM commands',
  'dead letters': "SELECT count(*) AS count FROM job WHERE name = 'dead-sub-tasks'",
};
const UNREADY = 'nodes that take no runs';

/** Waits until all accepted runs have ended, and nothing is left of them but their events. What there still is violates it. */
export async function untilAtRest(cluster: Cluster, patienceMs: number): Promise<string[]> {
  const violations: string[] = [];
  const ended = await cluster.until(async () => (await unfinished(cluster)).length === 0, patienceMs);
  if (!ended) {
    const runs = await unfinished(cluster);
    const some = runs.slice(0, MAX_NAMED).map(({ id }) => id);
    violations.push(`${String(runs.length)} runs never end: ${some.join(', ')}`);
  }
  const leftOver = async (): Promise<string[]> => {
    const left: string[] = [];
    for (const [name, sql] of Object.entries(LEFT)) {
      const rows = await count(cluster, sql);
      if (rows > 0) left.push(`${String(rows)} ${name}`);
    }
    const ready = await Promise.all(cluster.nodes.map((node) => node.isReady()));
    if (ready.includes(false)) left.push(UNREADY);
    return left;
  };
  if (!(await cluster.until(async () => (await leftOver()).length === 0, patienceMs)))
    violations.push(`There are still ${(await leftOver()).join(', ')}`);
  return violations;
}

function unfinished(cluster: Cluster): Promise<{ id: string }[]> {
  return cluster.rows('SELECT id FROM open_runs ORDER BY number');
}
