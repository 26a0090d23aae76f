/** How long things took, in milliseconds: what so many of them took no longer than; null without any. */
export interface CommitTimes {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

/** How events are committed in groups. */
export interface Commits {
  /** How many events wait for their commit, that which is under way included. */
  readonly pending: number;
  /** For how long the commit that is under way has been so, in milliseconds; 0 without one. */
  readonly lagMs: number;
  /** How long the last ones took. */
  readonly times: { quantiles(): CommitTimes };
  /** Told of each commit: how long it took, in milliseconds, and of how many events. */
  onCommitted: (tookMs: number, events: number) => void;
}
