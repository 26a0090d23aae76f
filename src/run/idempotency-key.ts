/** What makes a second request with the same `Idempotency-Key` give the run of the first. */
export interface IdempotencyKey {
  /** Whose key it is: keys of different clients are different keys. Empty for anonymous callers. */
  readonly client: string;
  readonly key: string;
  /** What the request asked for: another request with the same key is a mistake of the caller. */
  readonly fingerprint: string;
}

/** The run that a key belongs to. */
export interface KeyedRun {
  readonly runId: string;
  readonly fingerprint: string;
}
