/** Quantiles of how long commits took, in milliseconds; null where there was none. */
export interface CommitTimes {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

/** The commits of a journal, each with a group of events. */
export interface Commits {
  /** How many events wait for their commit, including the commit under way. */
  readonly pending: number;
  /** Age of the commit under way, in milliseconds; 0 without one. */
  readonly lagMs: number;
  /** How long the last commits took. */
  readonly times: { quantiles(): CommitTimes };
  /** Called for each commit: how long it took, in milliseconds, and how many events it had. */
  onCommitted: (tookMs: number, events: number) => void;
}
