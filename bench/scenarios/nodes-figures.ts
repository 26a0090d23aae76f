import type { Work } from '../support/bench-postgres.ts';
import type { Lap } from '../support/generator-protocol.ts';

/** Runs started a second where it isn't as many as they take. */
export const RATE = 100;

/** Factor on the demo's sleeps: 20, 100 and 60 ms. */
export const TIME_SCALE = 0.02;
export const OWN_MS = 1000 * TIME_SCALE;

/** Sub-tasks placed on workers, a second. */
export const PLACED_RATES = [10, 100] as const;

/** After how many milliseconds without a sign a node counts as dead. */
export const NODE_TIMEOUT = 2000;

/** One process with SQLite, or so many nodes on one Postgres. */
export type ClusterName = 'SQLite' | 1 | 2 | 3;

/** At {@link RATE}, or as many runs as are answered. */
export type LoadKind = 'steady' | 'most';

export interface LoadTurn {
  readonly cluster: ClusterName;
  readonly kind: LoadKind;
  readonly round: number;
  readonly lap: Lap;
  /** Microseconds of CPU of each node. */
  readonly nodeCpu: readonly number[];
  /** Of Postgres as a whole, less what nodes of the other clusters take that have nothing to do. */
  readonly postgresCpu: number;
  /** Undefined where it wasn't Postgres'. */
  readonly work: Work | undefined;
}

export interface PlacementTurn {
  readonly rate: number;
  readonly lap: Lap;
  /** From the acceptance of the run to the call of the sub-task's handler, in milliseconds. */
  readonly start: { readonly p50: number; readonly p99: number; readonly count: number };
  /** Of the node that accepts runs, and of the two that work. */
  readonly nodeCpu: readonly number[];
  readonly postgresCpu: number;
}

export interface Kill {
  readonly orphans: number;
  /** From the kill to when each began again, in milliseconds. */
  readonly afterMs: readonly number[];
  /** How many of the two nodes that were left weren't taken for dead too. */
  readonly stillAlive: number;
}

export interface Measured {
  readonly turns: readonly LoadTurn[];
  /** CPU in microseconds a second. */
  readonly idle: { readonly node: number; readonly postgresANode: number };
  readonly placement: readonly PlacementTurn[];
  readonly kills: readonly Kill[];
}
