/** The load to put on one server. */
export type Load = CallersLoad | PacedLoad;

/** Callers that each send their next request when they have their answer. */
export interface CallersLoad {
  readonly kind: 'callers';
  /** Where they call; of several, each caller has one. */
  readonly url: string | readonly string[];
  readonly connections: number;
  /** Over how many milliseconds to spread the opening of the connections; 0 opens all at once. */
  readonly ramp: number;
  /** Ids of runs: each request is for `<url>/<id>` of a random one. */
  readonly runIds?: readonly string[];
  /** Whether the answers are pages of runs; else, where no runs are asked for, they are results of the demo. */
  readonly pages?: boolean;
}

/** As many requests a second, evenly spread, however long their answers take. */
export interface PacedLoad {
  readonly kind: 'paced';
  /** Of several, each in turn. */
  readonly url: string | readonly string[];
  readonly rate: number;
  /** Whether to POST for runs of a task whose sub-tasks give the demo's first result; else GET the demo. */
  readonly post?: boolean;
  /** JSON that is posted. */
  readonly body?: string;
}

/** What the bench tells the generator. Each command ends a lap and is answered with it. */
export type Command =
  { readonly kind: 'start'; readonly load: Load } | { readonly kind: 'lap' } | { readonly kind: 'stop' };

/** What the generator saw since the last command. */
export interface Lap {
  readonly seconds: number;
  /** Answers with status 2xx. */
  readonly completed: number;
  readonly non2xx: number;
  /** Answers with the second's or the third's result: the server was late, and another sub-task won. */
  readonly otherWinners: number;
  /** Answers, of any status, whose body was no sub-task's result, or not the run or page asked for. Every body is looked at. */
  readonly wrongBodies: number;
  /** Broken connections and time-outs (10 s). */
  readonly errors: number;
  /** Latency of the 2xx answers, in milliseconds to 1 µs: sending the request to the end of its answer. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Share of one core that the generator itself used, 0 to 1. Near 1, it was the bottleneck. */
  readonly generatorShare: number;
}

/** Answers that were not what they should be, however it showed. */
export function faults(lap: Pick<Lap, 'non2xx' | 'wrongBodies' | 'errors'>): number {
  return lap.errors + Math.max(lap.non2xx, lap.wrongBodies);
}
