/** How long the upstream takes, in milliseconds, and which share of its answers is slow. */
export const FAST_MS = 10;
export const SLOW_MS = 1000;
export const SLOW_SHARE = 0.01;

/** What the upstream was asked since it was last asked for this. */
export interface UpstreamLap {
  readonly port: number;
  readonly requests: number;
  /** How many of them it let wait for a second. */
  readonly slow: number;
}
