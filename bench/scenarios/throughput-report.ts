import type { ServerKey, ServerSpec } from '../servers/server-spec.ts';
import { diskLine, type Disk } from '../support/disk.ts';
import { faults } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize, type Summary } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';
import type { Turn } from '../support/turn.ts';

type Rounds = readonly (readonly Turn[])[];

interface Metric {
  readonly label: string;
  readonly decimals: number;
  /** Undefined for a server that it isn't measured of. */
  readonly of: (turn: Turn) => number | undefined;
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
  { label: 'commits/s', decimals: 0, of: (turn) => turn.commitsPerSecond },
  {
    label: 'requests a commit',
    decimals: 1,
    of: ({ requestsPerSecond, commitsPerSecond }) =>
      commitsPerSecond === undefined ? undefined : requestsPerSecond / commitsPerSecond,
  },
];

/** Those that the others are compared with. */
const OTHERS = ['m', 'b', 'c'] as const;

/** A generator that uses more of its core than this is taken for the bottleneck. */
const GENERATOR_LIMIT = 0.9;

/** A row a metric and server: the median over the rounds, its spread, the median of the rounds' ratios. */
export function resultTable(servers: readonly ServerSpec[], rounds: Rounds): Table {
  const rows = METRICS.flatMap((metric) =>
    servers.flatMap(({ key, name }) => {
      const values = valuesOf(rounds, key, metric);
      if (values.length === 0) return [];
      const { median, min, max } = summarize(values);
      const [low, high] = [figure(min, metric.decimals), figure(max, metric.decimals)];
      return [
        [
          `${metric.label}, (${key}) ${name}`,
          figure(median, metric.decimals),
          `${low} to ${high}`,
          ...OTHERS.map((other) => figure(ratioOf(rounds, key, other, metric)?.median, 2)),
        ],
      ];
    }),
  );
  return { head: ['', 'median', 'min to max', ...OTHERS.map((other) => `ratio to (${other})`)], rows };
}

/** How to read the table: what the answers were, and who was the bottleneck. */
export function notes(turns: readonly Turn[], connections: number, disk: Disk): string[] {
  const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0);
  const busiest = Math.max(...turns.map((turn) => turn.generatorShare));
  const lines = [
    `${figure(sum((turn) => turn.completed))} answers with 2xx, ${figure(sum((turn) => turn.non2xx))} others; ` +
      `${figure(sum((turn) => turn.wrongBodies))} wrong bodies; ${figure(sum((turn) => turn.errors))} errors.`,
    'Another winner: the answer had the second or the third result, not the first. At 1, 5 and 3 ms that',
    'happens where the event loop is held up for as long as the sleeps differ.',
    `A server that used less than its core had room: ${figure(connections)} callers, each at least 1 ms for an ` +
      'answer, ask for no more.',
    'Commits are those of SQLite with synchronous=FULL: each is one fsync of its log.',
    diskLine(disk),
    `At its busiest, the generator used ${figure(busiest * 100)} % of its core.`,
  ];
  for (const key of new Set(turns.map((turn) => turn.server))) {
    const held = turns.some((turn) => turn.server === key && turn.generatorShare > GENERATOR_LIMIT);
    if (held) lines.push(`Caution: (${key}) may be faster than shown, for the generator had no time left.`);
  }
  return lines;
}

export function goals(rounds: Rounds): Goal[] {
  const speed = (key: ServerKey) => ratioOf(rounds, key, 'b', REQUESTS)?.median;
  const atLeast = (goal: string, least: number, times: number | undefined): Goal => ({
    goal,
    measured: `${figure(times, 2)} times`,
    reached: times === undefined ? undefined : times >= least,
  });
  const cost = ratioOf(rounds, 'm', 'c', CPU)?.median;
  const bad = rounds.flat().reduce((total, turn) => total + faults(turn), 0);
  return [
    atLeast('(a) at least 1.5 times the requests a second of FastAPI (b)', 1.5, speed('a')),
    atLeast('(a) at the very least as many as FastAPI (b)', 1, speed('a')),
    atLeast('(m) at least 2 times the requests a second of FastAPI (b)', 2, speed('m')),
    {
      goal: '(m) at most 2.2 times the CPU a request of bare node:http (c)',
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

function valuesOf(rounds: Rounds, key: ServerKey, metric: Metric): number[] {
  return rounds
    .flat()
    .filter(({ server }) => server === key)
    .map(metric.of)
    .filter((value) => value !== undefined);
}

function ratioOf(rounds: Rounds, key: ServerKey, other: ServerKey, metric: Metric): Summary | undefined {
  const others = valuesOf(rounds, other, metric);
  return others.length === 0 ? undefined : ratios(valuesOf(rounds, key, metric), others);
}
