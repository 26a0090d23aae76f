import { diskLine, type Disk } from '../support/disk.ts';
import { faults } from '../support/generator-protocol.ts';
import type { Goal } from '../support/results.ts';
import { ratios, summarize } from '../support/statistics.ts';
import { figure, type Table } from '../support/table.ts';
import {
  ENDPOINTS,
  FATES,
  KINDS,
  RATE,
  type CatchUp,
  type Measured,
  type WebhooksTurn,
} from './webhooks-figures.ts';

/** How much slower it may be beside webhooks, or beside a dead one. */
const MOST = 1.1;
/** Events a second that a webhook catches up by. */
const LEAST_CAUGHT_UP = 5000;

/** One column each for what turns alternate between; the second and third have ratios to the first, round by round. */
export function resultTable({ load, endpoints, catchUps }: Measured): Table {
  const ofLoad = rowOf(load, KINDS);
  const ofEndpoints = rowOf(endpoints, FATES);
  const blank = ['', '', ''];
  return {
    head: ['', ...blank],
    rows: [
      [`${figure(RATE)} deliveries/s, webhook`, ...KINDS],
      ofLoad('reply p50, ms', 2, ({ lap }) => lap.p50),
      ofLoad('reply p99, ms', 2, ({ lap }) => lap.p99),
      ofLoad('CPU µs/run', 0, ({ cpuPerRun }) => cpuPerRun),
      ofLoad('runs/s', 0, ({ lap }) => lap.completed / lap.seconds),
      ofLoad('deliveries/s', 0, deliveriesPerSecond),
      ofLoad('event to receiver, p50 ms', 1, ({ received }) => received.delayP50),
      ofLoad('event to receiver, p99 ms', 1, ({ received }) => received.delayP99),
      ofLoad('faulty answers', 0, ({ lap }) => faults(lap)),
      [`one webhook of ${ENDPOINTS}`, ...FATES],
      ofEndpoints('event to the others, p50 ms', 1, ({ received }) => received.delayP50),
      ofEndpoints('event to the others, p99 ms', 1, ({ received }) => received.delayP99),
      ofEndpoints('deliveries/s to the others', 0, deliveriesPerSecond),
      ofEndpoints('reply p99, ms', 2, ({ lap }) => lap.p99),
      ofEndpoints(
        'CPU µs/delivery',
        0,
        (turn) => (turn.cpuPerRun * turn.lap.completed) / turn.received.deliveries,
      ),
      [`${figure(catchUps[0]?.events)} events behind`, 'all delivered', 'two in nine', ''],
      rowOfCatchUps(catchUps, 'events/s', 0, ({ events, seconds }) => events / seconds),
      rowOfCatchUps(catchUps, 'deliveries/s', 0, ({ received, seconds }) => received.deliveries / seconds),
      rowOfCatchUps(catchUps, 'CPU µs/delivery', 1, (one) => one.cpuMicroseconds / one.received.deliveries),
      rowOfCatchUps(catchUps, 'delivered twice', 0, ({ received }) => received.repeated),
      rowOfCatchUps(catchUps, 'resident memory at most, MiB', 0, ({ peakBytes }) => peakBytes / 2 ** 20),
    ],
  };
}

export function notes({ load }: Measured, disk: Disk): string[] {
  const [none = NaN, ofApi = NaN, ofRun = NaN] = KINDS.map(
    (kind) => summarize(valuesOf(load, kind, ({ cpuPerRun }) => cpuPerRun)).median,
  );
  const each = (kind: (typeof KINDS)[number]) =>
    summarize(valuesOf(load, kind, ({ lap, received }) => received.deliveries / lap.completed)).median;
  return [
    'Medians of the turns, and how far they spread; turns alternate. Receivers are in one process, on the core of the load generator.',
    `A delivery costs ${figure((ofApi - none) / each('of the API'))} µs of CPU to a webhook of the API, ` +
      `and ${figure((ofRun - none) / each('of each run'))} to one of a run.`,
    diskLine(disk),
  ];
}

export function goals({ load, endpoints, catchUps }: Measured): Goal[] {
  const atMost = (goal: string, measured: number): Goal => ({
    goal: `${goal} at most ${MOST} times`,
    measured: `${figure(measured, 2)} times`,
    reached: measured <= MOST,
  });
  const p99 = ({ lap }: WebhooksTurn<string>) => lap.p99;
  const delay = ({ received }: WebhooksTurn<string>) => received.delayP99;
  const all = catchUps.find(({ types }) => types === 'all');
  const caughtUp = all ? all.events / all.seconds : NaN;
  const wrong = [...load, ...endpoints, ...catchUps].reduce(
    (sum, { received }) => sum + received.wrongSignatures,
    0,
  );
  return [
    ...KINDS.slice(1).map((kind) =>
      atMost(`the reply’s p99 with a webhook ${kind}`, ratioOf(load, kind, KINDS[0], p99)),
    ),
    ...FATES.slice(1).map((fate) =>
      atMost(`p99 of the delay of the others where one ${fate}`, ratioOf(endpoints, fate, FATES[0], delay)),
    ),
    {
      goal: `a webhook that is behind gets ${figure(LEAST_CAUGHT_UP)} events a second`,
      measured: figure(caughtUp),
      reached: caughtUp >= LEAST_CAUGHT_UP,
    },
    { goal: 'no wrong signature', measured: figure(wrong), reached: wrong === 0 },
  ];
}

type Of<Turn> = (turn: Turn) => number;

function rowOf<Variant extends string>(
  turns: readonly WebhooksTurn<Variant>[],
  variants: readonly Variant[],
) {
  const [first] = variants;
  return (label: string, decimals: number, of: Of<WebhooksTurn<Variant>>): string[] => [
    label,
    ...variants.map((variant) => {
      const { median, min, max } = summarize(valuesOf(turns, variant, of));
      if (!Number.isFinite(median)) return figure(undefined);
      const text = `${figure(median, decimals)} (${figure(min, decimals)} to ${figure(max, decimals)})`;
      const ratio = first === undefined || variant === first ? NaN : ratioOf(turns, variant, first, of);
      return Number.isFinite(ratio) ? `${text}, × ${figure(ratio, 2)}` : text;
    }),
  ];
}

function rowOfCatchUps(
  catchUps: readonly CatchUp[],
  label: string,
  decimals: number,
  of: Of<CatchUp>,
): string[] {
  return [label, ...catchUps.map((one) => figure(of(one), decimals)), ''];
}

function ratioOf<Variant extends string>(
  turns: readonly WebhooksTurn<Variant>[],
  variant: Variant,
  first: Variant,
  of: Of<WebhooksTurn<Variant>>,
): number {
  return ratios(valuesOf(turns, variant, of), valuesOf(turns, first, of)).median;
}

function valuesOf<Variant extends string>(
  turns: readonly WebhooksTurn<Variant>[],
  variant: Variant,
  of: Of<WebhooksTurn<Variant>>,
): number[] {
  return turns.filter((turn) => turn.variant === variant).map(of);
}

function deliveriesPerSecond({ lap, received }: WebhooksTurn<string>): number {
  return received.deliveries / lap.seconds;
}
