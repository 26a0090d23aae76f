import type { ServerSpec } from '../servers/server-spec.ts';
import { faults, type Lap } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize, type Summary } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';

/** One server's part of one round. */
export interface Turn extends Lap {
  readonly server: ServerSpec['key'];
  readonly requestsPerSecond: number;
  /** Microseconds of CPU, user and system, of all the server's threads. */
  readonly cpuPerRequest: number;
  /** CPU time over elapsed time: near 1, the server had all of its core. */
  readonly serverShare: number;
}

type Rounds = readonly (readonly Turn[])[];

interface Metric {
  readonly label: string;
  readonly decimals: number;
  readonly of: (turn: Turn) => number;
}

const REQUESTS: Metric = { label: 'requests/s', decimals: 0, of: (turn) => turn.requestsPerSecond };
const CPU: Metric = { label: 'CPU µs/request', decimals: 1, of: (turn) => turn.cpuPerRequest };
const METRICS: readonly Metric[] = [
  REQUESTS,
  { label: 'p50 ms', decimals: 2, of: (turn) => turn.p50 },
  { label: 'p99 ms', decimals: 2, of: (turn) => turn.p99 },
  CPU,
  { label: 'another winner, %', decimals: 2, of: (turn) => (turn.otherWinners / turn.completed) * 100 },
  { label: 'core used, %', decimals: 0, of: (turn) => turn.serverShare * 100 },
];

/** A generator that uses more of its core than this is taken for the bottleneck. */
const GENERATOR_LIMIT = 0.9;

/** A row a metric and server: the median over the rounds, its spread, the median of the rounds' ratios. */
export function resultTable(servers: readonly ServerSpec[], rounds: Rounds): Table {
  const rows = METRICS.flatMap((metric) =>
    servers.map(({ key, name }) => {
      const { median, min, max } = summarize(valuesOf(rounds, key, metric));
      const [low, high] = [figure(min, metric.decimals), figure(max, metric.decimals)];
      return [
        `${metric.label}, (${key}) ${name}`,
        figure(median, metric.decimals),
        `${low} to ${high}`,
        figure(ratioOf(rounds, key, 'b', metric)?.median, 2),
        figure(ratioOf(rounds, key, 'c', metric)?.median, 2),
      ];
    }),
  );
  return { head: ['', 'median', 'min to max', 'ratio to (b)', 'ratio to (c)'], rows };
}

/** How to read the table: what the answers were, and who was the bottleneck. */
export function notes(turns: readonly Turn[], connections: number): string[] {
  const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  const busiest = Math.max(...turns.map((turn) => turn.generatorShare));
  const lines = [
    `${figure(sum((turn) => turn.completed))} answers with 2xx, ${figure(sum((turn) => turn.non2xx))} others; ` +
      `${figure(sum((turn) => turn.wrongBodies))} wrong bodies; ${figure(sum((turn) => turn.errors))} errors.`,
    'Another winner: the answer had the second or the third result, not the first. At 1, 5 and 3 ms that',
    'happens where the event loop is held up for as long as the sleeps differ.',
    `A server that used less than its core had room: ${figure(connections)} callers, each at least 1 ms for an ` +
      'answer, ask for no more.',
    `At its busiest, the generator used ${figure(busiest * 100)} % of its core.`,
  ];
  for (const key of new Set(turns.map((turn) => turn.server))) {
    const held = turns.some((turn) => turn.server === key && turn.generatorShare > GENERATOR_LIMIT);
    if (held) lines.push(`Caution: (${key}) may be faster than shown, for the generator had no time left.`);
  }
  return lines;
}

export function goals(rounds: Rounds): Goal[] {
  const speed = ratioOf(rounds, 'a', 'b', REQUESTS)?.median;
  const cost = ratioOf(rounds, 'a', 'c', CPU)?.median;
  const bad = rounds.flat().reduce((total, turn) => total + faults(turn), 0);
  return [
    {
      goal: 'at least 2 times the requests a second of FastAPI (b)',
      measured: `${figure(speed, 2)} times`,
      reached: speed === undefined ? undefined : speed >= 2,
    },
    {
      goal: 'at most 2.2 times the CPU a request of bare node:http (c)',
      measured: `${figure(cost, 2)} times`,
      reached: cost === undefined ? undefined : cost <= 2.2,
    },
    {
      goal: 'no error, nothing but 2xx, no foreign body',
      measured: `${figure(bad)} of them`,
      reached: bad === 0,
    },
  ];
}

function valuesOf(rounds: Rounds, key: Turn['server'], metric: Metric): number[] {
  return rounds.flatMap((turns) => turns.filter((turn) => turn.server === key).map(metric.of));
}

function ratioOf(
  rounds: Rounds,
  key: Turn['server'],
  other: Turn['server'],
  metric: Metric,
): Summary | undefined {
  const others = valuesOf(rounds, other, metric);
  return others.length === 0 ? undefined : ratios(valuesOf(rounds, key, metric), others);
}
