import { Random } from '../crash/random.ts';
import { NODE_TIMEOUT_MS } from './node.ts';

type Role = 'all' | 'api' | 'worker';

/** What is done to one of the nodes, or to the Postgres of all. */
export const DISTURBANCES = {
  kill: 'a node is killed with SIGKILL, and started again',
  versions:
    'the nodes that know the newer task are killed, and started again when others have had time to take over',
  stop: 'a node is stopped with SIGTERM, and started again',
  halt: 'a node is halted with SIGSTOP until it was taken for dead, and goes on with SIGCONT',
  failover: 'Postgres gets a synchronous standby and is killed, and the standby takes its place',
  restart: 'Postgres is stopped or killed, and started again',
  cut: 'a node loses its connections to Postgres, and gets none',
  blackhole: 'what a node and Postgres say to each other gets lost',
  delay: 'what a node and Postgres say to each other comes late',
} as const;

export type Disturbance = keyof typeof DISTURBANCES;

/** What a node is when it is started again. */
export interface Version {
  /** One of them stays what does everything. */
  readonly role: Role;
  /** Whether it knows the newer task. One of them always does. */
  readonly newer: boolean;
}

/** A time under load with a disturbance in it. */
export interface Round extends Version {
  readonly disturbance: Disturbance;
  /** The place of the node that it befalls. */
  readonly node: number;
  /** From the first answer to it, in milliseconds. */
  readonly afterMs: number;
  /** How long it lasts. */
  readonly forMs: number;
  /** How long the load goes on when it is over. */
  readonly loadMs: number;
  /** How much later everything comes, in a delay. */
  readonly delayMs: number;
  /** Whether Postgres is killed before it is started again, and not stopped. */
  readonly byKill: boolean;
  /** What each caller draws from. */
  readonly callers: readonly Random[];
  /** What whoever makes and changes webhooks draws from. */
  readonly subscriber: Random;
  /** What each reader of streams draws from. */
  readonly streamCallers: readonly Random[];
}

/** For so many callers one more reads streams. */
const STREAMS_SHARE = 10;

const FOR_MS: Readonly<Record<Disturbance, readonly [number, number]>> = {
  kill: [0, 1_500],
  versions: [NODE_TIMEOUT_MS + 1_000, NODE_TIMEOUT_MS + 2_500],
  stop: [0, 300],
  halt: [NODE_TIMEOUT_MS + 200, NODE_TIMEOUT_MS + 2_000],
  failover: [100, 1_000],
  restart: [0, 1_500],
  cut: [100, NODE_TIMEOUT_MS + 1_500],
  blackhole: [100, NODE_TIMEOUT_MS + 1_500],
  delay: [300, 1_500],
};

const ROLES: readonly (readonly [Role, ...Role[]])[] = [
  ['all'],
  ['all', 'all', 'api'],
  ['all', 'all', 'worker'],
];

/** What the seed decides. How far nodes come until they are disturbed is up to the machine. */
export function planRounds(
  seed: number,
  rounds: number,
  callers: number,
  kinds: readonly [Disturbance, ...Disturbance[]],
): Round[] {
  const random = new Random(seed);
  let left: Disturbance[] = [];
  return Array.from({ length: rounds }, () => {
    const own = random.fork();
    // Each of them before any comes again.
    if (left.length === 0) left = [...kinds];
    const [disturbance = kinds[0]] = left.splice(own.int(0, left.length - 1), 1);
    const node = own.int(0, ROLES.length - 1);
    return {
      disturbance,
      node,
      afterMs: own.int(0, 600),
      forMs: own.int(...FOR_MS[disturbance]),
      loadMs: own.int(0, 400),
      delayMs: own.pick([5, 30, 100, 300]),
      byKill: own.pick([false, true]),
      role: own.pick(ROLES[node] ?? ['all']),
      newer: node === 0 || own.pick([false, true]),
      callers: Array.from({ length: callers }, () => own.fork()),
      subscriber: own.fork(),
      streamCallers: Array.from({ length: Math.ceil(callers / STREAMS_SHARE) }, () => own.fork()),
    };
  });
}

/** For people. */
export function nameOf({ disturbance, node, forMs, delayMs, role, newer, byKill }: Round): string {
  const lasting = `for ${String(forMs)} ms`;
  switch (disturbance) {
    case 'kill':
    case 'stop':
      return `${disturbance} of node ${String(node)} ${lasting}, again as ${newer ? 'newer' : 'older'} ${role}`;
    case 'versions':
      return `kill of all nodes that know the newer task ${lasting}`;
    case 'restart':
      return byKill ? `kill of Postgres ${lasting}` : 'restart of Postgres';
    case 'failover':
      return `failover after ${String(forMs)} ms with a standby`;
    case 'delay':
      return `delay of node ${String(node)} by ${String(delayMs)} ms ${lasting}`;
    default:
      return `${disturbance} of node ${String(node)} ${lasting}`;
  }
}
