import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { node } from '../servers/servers.ts';
import { Companion } from '../support/companion.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { UpstreamLap } from '../support/upstream-protocol.ts';
import type { LoadParts } from './nodes-load.ts';
import { PLACED_RATES, type PlacementTurn } from './nodes-figures.ts';

const DATABASE = 'placement';
const ROLES = ['api', 'worker', 'worker'] as const;

/** Before the measured part of a turn and after its load; ms. */
const LEAD = 1000;

/** The time of its event is when its handler was called. */
const LATENCIES = `
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) AS p99,
    count(*)::integer AS count
  FROM (
    SELECT events.time - runs.created_at AS ms
    FROM frontrunner.runs_and_open AS runs JOIN frontrunner.events ON events.run = runs.number
    WHERE runs.number > $1 AND runs.number <= $2 AND type = 'sub-task.started' AND attempt = 1) AS starts`;

/** How soon a sub-task that is placed on workers starts there, from when a node that does no such work has accepted its run. */
export async function measurePlacement(parts: LoadParts): Promise<PlacementTurn[]> {
  const { stage, options, postgres, directory } = parts;
  const upstream = new Companion<object, UpstreamLap>(
    stage,
    new URL('../support/upstream-process.ts', import.meta.url),
    undefined,
  );
  const { port } = await upstream.ask({});
  const tasks = path.join(directory, 'placed.yaml');
  writeFileSync(tasks, tasksFile(port));
  const url = await postgres.createDatabase(DATABASE);
  const servers: ServerProcess[] = [];
  for (const ROLE of ROLES)
    servers.push(
      await ServerProcess.start(stage, node(options.service, url, { ROLE, TASKS_FILE: tasks }), {
        core: undefined,
        timeScale: 0,
        tryOut: false,
      }),
    );
  stage.say('Warming up placement');
  await takeTurn(parts, servers, Math.max(...PLACED_RATES), options.warmUp);
  const turns: PlacementTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1)
    for (const rate of PLACED_RATES) {
      stage.say(`Round ${round}/${options.rounds}: ${rate} sub-tasks placed a second`);
      turns.push(await takeTurn(parts, servers, rate, options.seconds));
    }
  for (const server of servers) await server.kill();
  return turns;
}

function tasksFile(port: number): string {
  return `
tasks:
  placed:
    subTasks:
      - name: first
        kind: http
        url: http://127.0.0.1:${port}/
        allowPrivate: true
        placement: worker
`;
}

async function takeTurn(
  { stage: { signal }, postgres, generator }: LoadParts,
  servers: readonly ServerProcess[],
  rate: number,
  seconds: number,
): Promise<PlacementTurn> {
  const lastId = async (): Promise<number> => {
    const [row] = await postgres.query<{ id: number }>(
      DATABASE,
      'SELECT last_id::float AS id FROM frontrunner.log_head',
    );
    return row?.id ?? NaN;
  };
  const url = `${servers[0]?.origin ?? ''}/tasks/placed/runs`;
  await generator.start({ kind: 'paced', url, rate, post: true });
  await sleep(LEAD, undefined, { signal });
  const cpu = () => servers.map(({ pid }) => cpuMicroseconds(pid));
  await generator.lap();
  const [from, before, postgresBefore] = [await lastId(), cpu(), postgres.cpuMicroseconds];
  await sleep(seconds * 1000, undefined, { signal });
  const [to, after, postgresCpu] = [await lastId(), cpu(), postgres.cpuMicroseconds - postgresBefore];
  const lap = await generator.lap();
  await generator.stop();
  await sleep(LEAD, undefined, { signal });
  const [start] = await postgres.query<PlacementTurn['start']>(DATABASE, LATENCIES, [from, to]);
  if (!start) throw new Error('Nothing was placed.');
  const nodeCpu = after.map((used, index) => used - (before[index] ?? NaN));
  return { rate, lap, start, nodeCpu, postgresCpu };
}
