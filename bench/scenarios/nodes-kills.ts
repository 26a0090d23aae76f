import { setTimeout as sleep } from 'node:timers/promises';
import { node } from '../servers/servers.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { LoadParts } from './nodes-load.ts';
import { NODE_TIMEOUT, RATE, type Kill } from './nodes-figures.ts';

const DATABASE = 'kills';
const NODES = 3;

/** How long there is load before a kill: the demo's longest sub-task and a little more; ms. */
const LEAD = 6000;

/** Between two looks at the journal, and how long it may take until all have started; ms. Times are those of events. */
const INTERVAL = 200;
const LIMIT = 60_000;

/** What was under way in a node, and the last event of then. */
const ORPHANS = `
  SELECT (SELECT last_id FROM frontrunner.log_head) AS last_id, run, sub_task FROM (
    SELECT DISTINCT ON (events.run, events.sub_task) events.run, events.sub_task, type,
      CASE WHEN placed.run IS NULL THEN open_runs.node ELSE placed.node END AS executed_by
    FROM frontrunner.open_runs JOIN frontrunner.events ON events.run = open_runs.number
      LEFT JOIN frontrunner.placed ON placed.run = events.run AND placed.sub_task = events.sub_task
    WHERE events.sub_task IS NOT NULL
    ORDER BY events.run, events.sub_task, events.id DESC) AS last
  WHERE type = 'sub-task.started' AND executed_by = $1`;

/** When each began again; null where its outcome was on its way when its node died. */
const RESTARTS = `
  SELECT min(time) FILTER (WHERE type = 'sub-task.started')::float AS at
  FROM unnest($1::bigint[], $2::text[]) AS orphan (run, sub_task)
    LEFT JOIN frontrunner.events ON events.run = orphan.run AND events.sub_task = orphan.sub_task AND events.id > $3
  GROUP BY orphan.run, orphan.sub_task
  HAVING count(events.id) > 0`;

interface Orphan {
  readonly last_id: string;
  readonly run: string;
  readonly sub_task: string;
}

interface Named {
  readonly id: string;
  readonly server: ServerProcess;
}

/** Kills one of three nodes under load, again and again, and looks when each sub-task that it executed begins anew. */
export async function measureKills(parts: LoadParts): Promise<Kill[]> {
  const { stage, options, postgres, generator } = parts;
  const { signal } = stage;
  const url = await postgres.createDatabase(DATABASE);
  const nodes: Named[] = [];
  const kills: Kill[] = [];
  for (let round = 1; round <= options.starts; round += 1) {
    while (nodes.length < NODES) nodes.push(await startNode(parts, url, nodes));
    const urls = nodes.map(({ server }) => server.url);
    await generator.start({ kind: 'paced', url: urls, rate: RATE });
    await sleep(LEAD, undefined, { signal });
    const victim = nodes.shift();
    if (!victim) throw new Error('There are no nodes.');
    const killedAt = Date.now();
    await victim.server.kill();
    const orphans = await postgres.query<Orphan>(DATABASE, ORPHANS, [victim.id]);
    const afterMs = await untilRestarted(parts, orphans, killedAt);
    await generator.stop();
    stage.say(
      `Kill ${round}/${options.starts}: ${orphans.length} orphans, the last restarted after ${Math.max(...afterMs)} ms`,
    );
    kills.push({ orphans: orphans.length, afterMs, stillAlive: await aliveOf(parts, nodes) });
  }
  for (const { server } of nodes) await server.kill();
  return kills;
}

async function startNode(
  { stage, options, postgres }: LoadParts,
  url: string,
  known: readonly Named[],
): Promise<Named> {
  const env = { NODE_TIMEOUT: `${NODE_TIMEOUT}ms` };
  const server = await ServerProcess.start(stage, node(options.service, url, env), {
    core: undefined,
    timeScale: 1,
    tryOut: false,
  });
  const rows = await postgres.query<{ id: string }>(
    DATABASE,
    'SELECT id FROM frontrunner.nodes WHERE id <> ALL ($1) ORDER BY id DESC LIMIT 1',
    [known.map(({ id }) => id)],
  );
  return { id: rows[0]?.id ?? '', server };
}

async function untilRestarted(
  { stage, postgres }: LoadParts,
  orphans: readonly Orphan[],
  killedAt: number,
): Promise<number[]> {
  const deadline = performance.now() + LIMIT;
  const [runs, subTasks] = [orphans.map(({ run }) => run), orphans.map(({ sub_task }) => sub_task)];
  for (;;) {
    await sleep(INTERVAL, undefined, { signal: stage.signal });
    const begun = await postgres.query<{ at: number | null }>(DATABASE, RESTARTS, [
      runs,
      subTasks,
      orphans[0]?.last_id ?? 0,
    ]);
    if (begun.length >= orphans.length)
      return begun.flatMap(({ at }) => (at === null ? [] : [at - killedAt]));
    if (performance.now() > deadline)
      throw new Error(
        `After ${LIMIT / 1000} s, ${begun.length} of ${orphans.length} orphans have begun again.`,
      );
  }
}

/** How many nodes still have the ids that they had: the others were taken for dead, though they lived. */
async function aliveOf({ postgres }: LoadParts, nodes: readonly Named[]): Promise<number> {
  const rows = await postgres.query(DATABASE, 'SELECT FROM frontrunner.nodes WHERE id = ANY ($1)', [
    nodes.map(({ id }) => id),
  ]);
  return rows.length;
}
