import { diskLine, type Disk } from '../support/disk.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';
import {
  NODE_TIMEOUT,
  OWN_MS,
  PLACED_RATES,
  RATE,
  type ClusterName,
  type LoadKind,
  type LoadTurn,
  type Measured,
  type PlacementTurn,
} from './nodes-figures.ts';

const CLUSTERS: readonly ClusterName[] = ['SQLite', 1, 2, 3];

/** Both are rounds of turns that alternate. */
export function resultTable({ turns }: Measured): Table {
  const rowOf =
    (kind: LoadKind) => (label: string, decimals: number, of: (turn: LoadTurn) => number | undefined) => [
      label,
      ...CLUSTERS.map((cluster) => spread(valuesOf(turns, cluster, kind, of), decimals)),
    ];
  const [steady, most] = [rowOf('steady'), rowOf('most')];
  const rows = (row: ReturnType<typeof rowOf>) => [
    row('faulty answers', 0, ({ lap }) => faults(lap)),
    row('CPU µs/run, all nodes', 0, (turn) => perRun(turn, sum(turn.nodeCpu))),
    row('CPU µs/run, Postgres', 0, (turn) => turn.work && perRun(turn, turn.postgresCpu)),
    row('busiest node’s share of CPU', 2, ({ nodeCpu }) => Math.max(...nodeCpu) / sum(nodeCpu)),
    row('events a commit', 1, ({ work }) => work && work.events / work.groups),
    row('commits/run', 2, (turn) => turn.work && perRun(turn, turn.work.groups)),
    row('statements/run', 2, (turn) => turn.work && perRun(turn, turn.work.statements)),
    row('transactions/run', 2, (turn) => turn.work && perRun(turn, turn.work.transactions)),
    row('rows written/run', 1, (turn) => turn.work && perRun(turn, turn.work.rowsWritten)),
    row('WAL bytes/run', 0, (turn) => turn.work && perRun(turn, turn.work.walBytes)),
    row('ms a commit, in the function', 2, ({ work }) => work && work.commitMs / work.groups),
    row('ms a fsync of the WAL', 2, ({ work }) => work && work.syncMs / work.syncs),
    row('commits a fsync', 2, ({ work }) => work && work.groups / work.syncs),
  ];
  return {
    head: ['', ...CLUSTERS.map(headOf)],
    rows: [
      [`at ${RATE} runs/s`, ...CLUSTERS.map(() => '')],
      steady('reply over the winner’s time, p50 ms', 1, ({ lap }) => lap.p50 - OWN_MS),
      steady('reply over the winner’s time, p99 ms', 1, ({ lap }) => lap.p99 - OWN_MS),
      ...rows(steady),
      ['as many as they take', ...CLUSTERS.map(() => '')],
      most('runs/s', 0, ({ lap }) => lap.completed / lap.seconds),
      most('reply over the winner’s time, p50 ms', 1, ({ lap }) => lap.p50 - OWN_MS),
      ...rows(most),
      most('table and index bytes/run', 0, (turn) => turn.work && perRun(turn, turn.work.storedBytes)),
      most('cores used, nodes', 2, ({ nodeCpu, lap }) => sum(nodeCpu) / 1e6 / lap.seconds),
      most(
        'cores used, Postgres',
        2,
        ({ work, postgresCpu, lap }) => work && postgresCpu / 1e6 / lap.seconds,
      ),
      most('cores used, generator', 2, ({ lap }) => lap.generatorShare),
      ['runs/s, ratio to one node', ...CLUSTERS.map((cluster) => ratioToOne(turns, cluster))],
    ],
  };
}

export function notes({ idle, placement, kills }: Measured, disk: Disk): string[] {
  const placed = PLACED_RATES.flatMap((rate) => {
    const turns = placement.filter((turn) => turn.rate === rate);
    const each = (decimals: number, of: (turn: PlacementTurn) => number) => spread(turns.map(of), decimals);
    const cpu = (turn: PlacementTurn, of: readonly number[]) => sum(of) / turn.start.count;
    return [
      `Placed on workers, ${rate}/s: starts there after ${each(1, ({ start }) => start.p50)} ms at p50, ` +
        `${each(1, ({ start }) => start.p99)} at p99; the reply takes ${each(1, ({ lap }) => lap.p50)} and ${each(1, ({ lap }) => lap.p99)};`,
      `  CPU µs/run: accepting node ${each(0, (turn) => cpu(turn, turn.nodeCpu.slice(0, 1)))}, workers ${each(0, (turn) => cpu(turn, turn.nodeCpu.slice(1)))}, ` +
        `Postgres ${each(0, (turn) => cpu(turn, [turn.postgresCpu]))}; the first worker’s share ${each(2, ({ nodeCpu: [, a = NaN, b = NaN] }) => a / (a + b))}; ` +
        `faulty answers ${each(0, ({ lap }) => faults(lap))}.`,
    ];
  });
  const share = (of: number) =>
    spread(
      kills.map(({ afterMs }) => percentile(afterMs, of)),
      0,
    );
  return [
    `Medians of the turns, and how far they spread; turns of the clusters alternate. The winner takes ${OWN_MS} ms, the others`,
    `${5 * OWN_MS} and ${3 * OWN_MS}. A process with nothing to do takes ${figure(idle.node)} µs of CPU a second, and Postgres ${figure(idle.postgresANode)} for it.`,
    ...placed,
    `SIGKILL of one of three nodes at ${RATE} runs/s, NODE_TIMEOUT ${NODE_TIMEOUT} ms, ${kills.length} times: ${spread(
      kills.map(({ orphans }) => orphans),
      0,
    )} orphans,`,
    `  which began again after ${share(0.5)} ms at p50, ${share(0.99)} at p99, ${share(1)} at most;`,
    `  of the other two, ${spread(
      kills.map(({ stillAlive }) => stillAlive),
      0,
    )} were never taken for dead.`,
    diskLine(disk),
  ];
}

export function goals({ turns, placement, kills }: Measured): Goal[] {
  const reply = (of: (lap: Lap) => number) =>
    summarize(valuesOf(turns, 3, 'steady', ({ lap }) => of(lap) - OWN_MS)).median;
  const start = (rate: number) =>
    summarize(placement.filter((turn) => turn.rate === rate).map((turn) => turn.start.p50)).median;
  const restart = percentile(
    kills.flatMap(({ afterMs }) => afterMs),
    0.99,
  );
  const below = (goal: string, most: number, measured: number): Goal => ({
    goal: `${goal} at most ${figure(most)} ms`,
    measured: `${figure(measured, 1)} ms`,
    reached: measured <= most,
  });
  return [
    below(
      `three nodes at ${RATE} runs/s: the reply’s p50 over the winner’s own time`,
      10,
      reply(({ p50 }) => p50),
    ),
    below(
      `three nodes at ${RATE} runs/s: the reply’s p99 over the winner’s own time`,
      50,
      reply(({ p99 }) => p99),
    ),
    below('from SIGKILL to every orphan restarted: p99', NODE_TIMEOUT + 2000, restart),
    ...PLACED_RATES.map((rate) => below(`placed on a worker, ${rate}/s: start latency p50`, 15, start(rate))),
  ];
}

function headOf(cluster: ClusterName): string {
  if (cluster === 'SQLite') return 'one process, SQLite';
  return cluster === 1 ? 'one node' : `${cluster} nodes`;
}

function ratioToOne(turns: readonly LoadTurn[], cluster: ClusterName): string {
  const rates = (name: ClusterName) =>
    valuesOf(turns, name, 'most', ({ lap }) => lap.completed / lap.seconds);
  const one = rates(1);
  return spread(
    rates(cluster).map((rate, round) => rate / (one[round] ?? NaN)),
    2,
  );
}

function valuesOf(
  turns: readonly LoadTurn[],
  cluster: ClusterName,
  kind: LoadKind,
  of: (turn: LoadTurn) => number | undefined,
): number[] {
  return turns
    .filter((turn) => turn.cluster === cluster && turn.kind === kind)
    .map((turn) => of(turn) ?? NaN);
}

function spread(values: readonly number[], decimals: number): string {
  const { median, min, max } = summarize(values);
  if (Number.isNaN(median)) return figure(undefined);
  return `${figure(median, decimals)} (${figure(min, decimals)} to ${figure(max, decimals)})`;
}

function perRun({ lap }: LoadTurn, amount: number): number {
  return amount / lap.completed;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
