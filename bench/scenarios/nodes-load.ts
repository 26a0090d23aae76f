import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Options } from '../options.ts';
import { node, service } from '../servers/servers.ts';
import { difference, type BenchPostgres } from '../support/bench-postgres.ts';
import type { Generator } from '../support/generator.ts';
import { cpuMicroseconds } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import type { Stage } from '../support/stage.ts';
import { figure } from '../support/table.ts';
import { RATE, TIME_SCALE, type ClusterName, type LoadKind, type LoadTurn } from './nodes-figures.ts';

/** Load before the measured part of a turn, and after it, until the slowest sub-tasks have ended; ms. */
const LEAD = 750;

/** How long the idle processes are watched, in milliseconds. */
const IDLE = 5000;

/** Some nodes with a database of their own, or one process with SQLite. */
interface Cluster {
  readonly name: ClusterName;
  readonly database: string | undefined;
  readonly servers: readonly ServerProcess[];
}

export interface LoadParts {
  readonly stage: Stage;
  readonly options: Options;
  readonly postgres: BenchPostgres;
  readonly generator: Generator;
  readonly directory: string;
}

/** Turns of all clusters, which run all the while so that they are warm: 100 runs a second, and as many as they take. */
export async function measureLoad(parts: LoadParts): Promise<{ turns: LoadTurn[]; idle: Idle }> {
  const { stage, options } = parts;
  const clusters: Cluster[] = [await startAlone(parts)];
  for (const count of [1, 2, 3] as const) clusters.push(await startCluster(parts, count));
  for (const cluster of clusters) {
    stage.say(`Warming up ${cluster.name}`);
    await takeTurn(parts, cluster, 'most', options.warmUp);
  }
  const idle = await measureIdle(parts, clusters);
  const turns: LoadTurn[] = [];
  for (let round = 1; round <= options.rounds; round += 1)
    for (const kind of ['steady', 'most'] as const)
      for (const cluster of clusters) {
        const turn = await takeTurn(parts, cluster, kind, options.seconds);
        const others = clusters.flatMap((each) => (each === cluster || !each.database ? [] : each.servers));
        turns.push({
          ...turn,
          round,
          postgresCpu: turn.postgresCpu - others.length * idle.postgresANode * turn.lap.seconds,
        });
        stage.say(
          `Round ${round}/${options.rounds}, ${kind}: ${cluster.name} ${figure(turn.lap.completed / turn.lap.seconds)}/s`,
        );
      }
  for (const { servers } of clusters) for (const server of servers) await server.kill();
  return { turns, idle };
}

async function startAlone({ stage, options, directory }: LoadParts): Promise<Cluster> {
  const spec = service(options.service, path.join(directory, 'alone.db'));
  const server = await ServerProcess.start(stage, spec, { core: undefined, timeScale: TIME_SCALE });
  return { name: 'SQLite', database: undefined, servers: [server] };
}

async function startCluster({ stage, options, postgres }: LoadParts, count: 1 | 2 | 3): Promise<Cluster> {
  const database = `nodes_${count}`;
  const url = await postgres.createDatabase(database);
  const servers: ServerProcess[] = [];
  while (servers.length < count)
    servers.push(
      await ServerProcess.start(stage, node(options.service, url), {
        core: undefined,
        timeScale: TIME_SCALE,
      }),
    );
  return { name: count, database, servers };
}

/** CPU of processes that have nothing to do, in microseconds a second. */
export interface Idle {
  readonly node: number;
  /** Of Postgres, for each node. */
  readonly postgresANode: number;
}

async function measureIdle({ stage, postgres }: LoadParts, clusters: readonly Cluster[]): Promise<Idle> {
  const nodes = clusters.flatMap(({ database, servers }) => (database === undefined ? [] : servers));
  const cpu = () =>
    [postgres.cpuMicroseconds, nodes.reduce((sum, { pid }) => sum + cpuMicroseconds(pid), 0)] as const;
  await sleep(LEAD, undefined, { signal: stage.signal });
  const [postgresBefore, nodesBefore] = cpu();
  await sleep(IDLE, undefined, { signal: stage.signal });
  const [postgresAfter, nodesAfter] = cpu();
  const each = (microseconds: number) => microseconds / nodes.length / (IDLE / 1000);
  return { postgresANode: each(postgresAfter - postgresBefore), node: each(nodesAfter - nodesBefore) };
}

async function takeTurn(
  { stage: { signal }, options, postgres, generator }: LoadParts,
  { name, database, servers }: Cluster,
  kind: LoadKind,
  seconds: number,
): Promise<Omit<LoadTurn, 'round'>> {
  const url = servers.map((server) => server.url);
  await generator.start(
    kind === 'steady'
      ? { kind: 'paced', url, rate: RATE }
      : { kind: 'callers', url, connections: options.connections * 4, ramp: 0 },
  );
  await sleep(LEAD, undefined, { signal });
  const cpu = () => servers.map(({ pid }) => cpuMicroseconds(pid));
  const work = () => (database === undefined ? undefined : postgres.work(database));
  const workBefore = await work();
  await generator.lap();
  const [before, postgresBefore] = [cpu(), postgres.cpuMicroseconds];
  await sleep(seconds * 1000, undefined, { signal });
  const [after, postgresAfter] = [cpu(), postgres.cpuMicroseconds];
  const lap = await generator.lap();
  const workAfter = await work();
  await generator.stop();
  await sleep(LEAD, undefined, { signal });
  return {
    cluster: name,
    kind,
    lap,
    nodeCpu: after.map((used, index) => used - (before[index] ?? NaN)),
    postgresCpu: postgresAfter - postgresBefore,
    work: workBefore && workAfter && difference(workBefore, workAfter),
  };
}
