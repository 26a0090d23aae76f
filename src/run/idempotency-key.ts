/** An `Idempotency-Key`: a second request with the same key gets the run of the first. */
export interface IdempotencyKey {
  /** The client that the key belongs to: equal keys of two clients are different keys. Empty for anonymous callers. */
  readonly client: string;
  readonly key: string;
  /** Digest of what the request asked for. A different request with the same key is a mistake of the caller. */
  readonly fingerprint: string;
}

/** The run that a key belongs to. */
export interface KeyedRun {
  readonly runId: string;
  readonly fingerprint: string;
}
