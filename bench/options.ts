import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const fromHere = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** What can be chosen on the command line. */
export interface Options {
  /** Seconds of load on one server, in one round. */
  readonly seconds: number;
  readonly rounds: number;
  /** Seconds of load on each server before the first round. */
  readonly warmUp: number;
  readonly connections: number;
  readonly callers: number;
  /** Seconds of steady load that fan-in measures. */
  readonly duration: number;
  /** Let fan-in measure (m), (b) and (c) too. */
  readonly allServers: boolean;
  /** Runs a second that loop-delay and readers have started. */
  readonly rate: number;
  /** Runs in the large database of store and history. */
  readonly runs: number;
  /** Events that a webhook is behind. */
  readonly events: number;
  /** How often store and recovery start the service on each database, and nodes kills one. */
  readonly starts: number;
  /** Random numbers follow from it, where a scenario draws its own. */
  readonly seed: number;
  /** Those that peers measures; none: all. */
  readonly peers: readonly string[];
  /** The built service. */
  readonly service: string;
  /** Directory for databases, each removed when its scenario has ended. */
  readonly data: string;
  /** Directory for the results. */
  readonly out: string;
  readonly markdown: boolean;
}

const number = (value: string) => ({ type: 'string', default: value }) as const;

const DEFINITIONS = {
  rounds: number('5'),
  seconds: number('5'),
  'warm-up': number('3'),
  connections: number('64'),
  callers: number('2000'),
  duration: number('20'),
  'all-servers': { type: 'boolean', default: false },
  rate: number('1000'),
  runs: number('1000000'),
  events: number('1000000'),
  starts: number('5'),
  seed: number('1'),
  peers: { type: 'string', default: '' },
  data: { type: 'string', default: fromHere('data') },
  service: { type: 'string', default: fromHere('../dist/main.js') },
  out: { type: 'string', default: fromHere('results') },
  markdown: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export const OPTIONS_HELP = `throughput, store, readers, tail, http, nodes, telemetry, webhooks, streams, peers:
  --rounds N        turns of each server, or variant (default 5)
  --seconds N       load in one turn, in seconds (default 5)
  --warm-up N       load before the first round, in seconds (default 3)
  --connections N   callers that each send request after request (default 64)

fan-in:
  --callers N       callers at a time (default 2000)
  --all-servers     also (m), FastAPI and bare node:http, not only this service as it comes

fan-in, loop-delay, tail, streams:
  --duration N      steady load that is measured, in seconds (default 20)

loop-delay, readers:
  --rate N          runs started a second (default 1000)

history:
  --seconds N       measured load of each kind, in seconds (default 5)
  --warm-up N       load before the first, in seconds (default 3)

store, history:
  --runs N          finished runs in the large database (default 1000000, which takes 2 GB)

webhooks:
  --events N        events that a webhook is behind (default 1000000, which takes some minutes)

store, recovery, nodes, peers:
  --starts N        how often the service is started on each database, or a node is killed (default 5)

fairness:
  --duration N      load that is measured in one turn, in seconds (default 20)

peers:
  --peers LIST      which of them, such as bullmq,dbos (default: all that are found)

order, coalescing, fairness, breakers:
  --rounds N        turns (default 5)
  --seed N          what random numbers follow from (default 1)

all:
  --service FILE    the built service (default dist/main.js)
  --data DIR        where databases go meanwhile: on a disk, not in memory (default bench/data)
  --out DIR         where the JSON goes (default bench/results)
  --markdown        print the table as Markdown too
  -h, --help`;

/** The scenario's name, or 'help', and the options. @throws Error on an unknown option or a bad number. */
export function readCommandLine(argv: readonly string[]): { what: string; options: Options } {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: DEFINITIONS,
    allowPositionals: true,
  });
  const [what = 'all', surplus] = positionals;
  if (surplus !== undefined) throw new Error(`One scenario at a time, please: what is "${surplus}"?`);
  const options: Options = {
    rounds: count('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    warmUp: positive('warm-up', values['warm-up']),
    connections: count('connections', values.connections),
    callers: count('callers', values.callers),
    duration: positive('duration', values.duration),
    allServers: values['all-servers'],
    rate: positive('rate', values.rate),
    runs: count('runs', values.runs),
    events: count('events', values.events),
    starts: count('starts', values.starts),
    seed: count('seed', values.seed),
    peers: values.peers.split(',').filter(Boolean),
    data: path.resolve(values.data),
    service: path.resolve(values.service),
    out: path.resolve(values.out),
    markdown: values.markdown,
  };
  return { what: values.help ? 'help' : what, options };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} takes a number above 0, not "${text}".`);
}

function count(name: string, text: string): number {
  const value = positive(name, text);
  if (Number.isInteger(value)) return value;
  throw new Error(`--${name} takes a whole number, not "${text}".`);
}
