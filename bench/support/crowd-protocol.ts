/** How long the upstream takes for an answer, in milliseconds. */
export const UPSTREAM_MS = 1_000;

/** Callers that all send the same request, evenly over a time. */
export interface CrowdCommand {
  /** Undefined: only the port is asked for. */
  readonly url?: string;
  readonly callers?: number;
  readonly withinMs?: number;
  /** The input of the request. */
  readonly input?: number;
}

export interface CrowdLap {
  /** Of the upstream. */
  readonly port: number;
  /** What each caller waited for its answer, in milliseconds. */
  readonly waits: readonly number[];
  /** How many runs answered. */
  readonly runs: number;
  /** Calls of the upstream. */
  readonly calls: number;
  /** Answers other than 200 with the result of the upstream. */
  readonly faults: number;
}
