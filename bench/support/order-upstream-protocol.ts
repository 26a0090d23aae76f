/** How long its paths take in the middle, in milliseconds, the slowest first. */
export const PACES = { worst: 120, middle: 60, best: 20 } as const;

/** A path that never answers. */
export const DEAD = 'dead';

export type Pace = keyof typeof PACES;

/** By how large a share each answer may take shorter or longer. */
export const SPREAD = 0.3;

/** Begins anew with random numbers of a seed, where it has one. */
export interface OrderUpstreamCommand {
  readonly seed?: number;
}

/** What the upstream was asked since it was last asked for this. */
export interface OrderUpstreamLap {
  readonly port: number;
  readonly requests: number;
}
