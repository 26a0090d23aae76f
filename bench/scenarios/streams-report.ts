import type { ServerKey } from '../servers/server-spec.ts';
import { diskLine, type Disk } from '../support/disk.ts';
import type { Goal } from '../support/results.ts';
import { summarize } from '../support/statistics.ts';
import { SLOW_FIRST_MS } from '../support/streams-protocol.ts';
import { figure, type Table } from '../support/table.ts';
import {
  RACE,
  RACERS,
  SHAPES,
  SLOWER,
  STREAMS,
  TAIL,
  TAIL_RATE,
  type TailVariant,
} from './streams-figures.ts';
import type { Measured } from './streams-load.ts';

/** One load of one round. The server is undefined where the upstream itself was asked. */
export type StreamsTurn = { readonly round: number; readonly server: ServerKey | undefined } & (
  | ({ readonly kind: 'first' | 'steady' } & Measured)
  | ({ readonly kind: 'tail'; readonly variant: TailVariant } & Measured)
  | { readonly kind: 'memory'; readonly bytes: number; readonly open: number }
);

const COLUMNS: readonly (ServerKey | undefined)[] = ['a', 'm', undefined];
const GOAL_FIRST = { p50: 2, p99: 10 };
const MOST_BYTES = 30_000;
/** A stream that is kept up with is never so far behind, at p99; ms. */
const MOST_LAG = 250;
const LEAST_CUT = 10;
const MOST_EXTRA = 0.05;

type Values = (turns: readonly StreamsTurn[], server: ServerKey | undefined) => number[];

export function resultTable(turns: readonly StreamsTurn[]): Table {
  const row = (label: string, decimals: number, of: Values) => [
    label,
    ...COLUMNS.map((server) => spread(of(turns, server), decimals)),
  ];
  return {
    head: ['', 'SQLite', 'in memory', 'the upstream itself'],
    rows: [
      row(
        `first chunk of ${RACERS} streams, p50 ms`,
        1,
        of('first', ({ lap }) => lap.firstP50),
      ),
      row(
        `first chunk of ${RACERS} streams, p99 ms`,
        1,
        of('first', ({ lap }) => lap.firstP99),
      ),
      row(
        'over the winner’s own, p50 ms',
        1,
        over(({ lap }) => lap.firstP50),
      ),
      row(
        'over the winner’s own, p99 ms',
        1,
        over(({ lap }) => lap.firstP99),
      ),
      row(
        `${STREAMS} streams: chunks read/s`,
        0,
        of('steady', ({ lap }) => lap.chunks / lap.seconds),
      ),
      row(
        'of those sent, %',
        1,
        of('steady', (turn) => keptUp(turn) * 100),
      ),
      row(
        'chunk behind the upstream, p50 ms',
        1,
        of('steady', ({ lap }) => lap.lagP50),
      ),
      row(
        'chunk behind the upstream, p99 ms',
        1,
        of('steady', ({ lap }) => lap.lagP99),
      ),
      row(
        'CPU µs/chunk',
        1,
        of('steady', ({ cpu, lap }) => cpu / lap.chunks),
      ),
      row(
        'core used, %',
        0,
        of('steady', ({ cpu, lap }) => cpu / 1e4 / lap.seconds),
      ),
      row('memory a stream, kB', 1, (all, server) => bytesOf(all, server).map((bytes) => bytes / 1000)),
      row(
        'first chunk, no hedging, p99.9 ms',
        0,
        tail('none', ({ lap }) => lap.firstP999),
      ),
      row(
        'first chunk, after: p95, p99.9 ms',
        0,
        tail('p95', ({ lap }) => lap.firstP999),
      ),
      row(
        'extra streams, after: p95, %',
        2,
        tail('p95', (turn) => extraOf(turn) * 100),
      ),
      row(
        'faulty streams',
        0,
        of('any', ({ lap }) => lap.faults),
      ),
      row(
        'readers’ core, %',
        0,
        of('steady', ({ lap }) => lap.share * 100),
      ),
      row(
        'upstream late by, p99 ms',
        1,
        of('steady', ({ upstream }) => upstream.lateP99),
      ),
    ],
  };
}

export function notes(disk: Disk): string[] {
  return [
    `A race is of two upstreams, whose first chunks take ${RACE.firstMs} and ${SLOWER.firstMs} ms; the winner sends ${RACE.chunks} chunks, ${1000 / RACE.everyMs} a second.`,
    `The ${figure(STREAMS)} streams have one sub-task and ${1000 / SHAPES.steady.everyMs} chunks a second each. Of the tail, ${TAIL_RATE} streams are begun a second,`,
    `and ${(TAIL.slowShare ?? 0) * 100} % of first chunks take ${SLOW_FIRST_MS} ms instead of ${TAIL.firstMs}. The upstream and the readers share the core that the server has not.`,
    'Memory is what a full collection leaves, with the streams and without.',
    diskLine(disk),
  ];
}

export function goals(turns: readonly StreamsTurn[]): Goal[] {
  const median = (values: readonly number[]) => (values.length === 0 ? NaN : summarize(values).median);
  const goal = (name: string, reached: boolean, measured: string): Goal => ({
    goal: name,
    measured,
    reached,
  });
  return (['a', 'm'] as const).flatMap((server) => {
    const where = server === 'a' ? 'SQLite' : 'in memory';
    const p50 = median(over(({ lap }) => lap.firstP50)(turns, server));
    const p99 = median(over(({ lap }) => lap.firstP99)(turns, server));
    const kept = median(of('steady', keptUp)(turns, server));
    const lag = median(of('steady', ({ lap }) => lap.lagP99)(turns, server));
    const bytes = median(bytesOf(turns, server));
    const p999 = (variant: TailVariant) => median(tail(variant, ({ lap }) => lap.firstP999)(turns, server));
    const cut = p999('none') / p999('p95');
    const extra = median(tail('p95', extraOf)(turns, server));
    return [
      goal(
        `${where}: the first chunk at most ${GOAL_FIRST.p50} ms over the winner’s own at p50, ${GOAL_FIRST.p99} ms at p99`,
        p50 <= GOAL_FIRST.p50 && p99 <= GOAL_FIRST.p99,
        `${figure(p50, 1)} and ${figure(p99, 1)} ms`,
      ),
      goal(
        `${where}: ${figure(STREAMS)} streams are kept up with, no chunk more than ${MOST_LAG} ms behind at p99`,
        kept > 0.99 && lag <= MOST_LAG,
        `${figure(kept * 100, 1)} % of the chunks, ${figure(lag, 0)} ms`,
      ),
      goal(
        `${where}: a stream takes at most ${MOST_BYTES / 1000} kB`,
        bytes <= MOST_BYTES,
        `${figure(bytes / 1000, 1)} kB`,
      ),
      goal(
        `${where}: after: p95 cuts p99.9 of the first chunk ${LEAST_CUT} times for at most ${MOST_EXTRA * 100} % more streams`,
        cut >= LEAST_CUT && extra <= MOST_EXTRA,
        `${figure(cut, 1)} times, ${figure(extra * 100, 2)} %`,
      ),
    ];
  });
}

type Turn<Kind> = Extract<StreamsTurn, { readonly kind: Kind }>;
type WithLap = Turn<'first' | 'steady'> | Turn<'tail'>;

function of(kind: 'first' | 'steady' | 'any', value: (turn: WithLap) => number): Values {
  return (turns, server) =>
    turns
      .filter((turn) => turn.kind !== 'memory')
      .filter((turn) => turn.server === server && (kind === 'any' || turn.kind === kind))
      .map(value);
}

function tail(variant: TailVariant, value: (turn: WithLap) => number): Values {
  return (turns, server) =>
    turns
      .filter((turn) => turn.kind === 'tail' && turn.server === server && turn.variant === variant)
      .map((turn) => value(turn as WithLap));
}

/** Over what the upstream itself took in the same round. */
function over(value: (turn: WithLap) => number): Values {
  return (turns, server) => {
    if (server === undefined) return [];
    const own = of('first', value)(turns, undefined);
    return of('first', value)(turns, server).map((ms, round) => ms - (own[round] ?? NaN));
  };
}

function bytesOf(turns: readonly StreamsTurn[], server: ServerKey | undefined): number[] {
  return turns
    .filter((turn) => turn.kind === 'memory' && turn.server === server)
    .map((turn) => (turn as Turn<'memory'>).bytes);
}

/** The share of the chunks sent that were read in the same time. */
function keptUp({ lap, upstream }: WithLap): number {
  return lap.chunks / upstream.chunks;
}

/** The streams asked of the upstream over one for each run. */
function extraOf({ lap, upstream }: WithLap): number {
  return upstream.requests / lap.completed - 1;
}

function spread(values: readonly number[], decimals: number): string {
  if (values.length === 0) return '';
  const { median, min, max } = summarize(values);
  return `${figure(median, decimals)} (${figure(min, decimals)} to ${figure(max, decimals)})`;
}
