import type { WebhookEvent } from './webhook-event.js';

/** A request that was answered, or whose caller has left. */
export interface AnsweredRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** The route as in the OpenAPI document, such as `/runs/{id}`; undefined for an address without a route. */
  readonly route: string | undefined;
  /** Status of the answer. Undefined where the caller left before the answer. */
  readonly status: number | undefined;
  /** Whether the caller left before the whole answer was sent. */
  readonly aborted: boolean;
  readonly tookMs: number;
}

/** A request to an upstream. */
export interface UpstreamCall {
  readonly method: string;
  readonly origin: string;
  /** Status of the answer. Undefined where there was no answer. */
  readonly status: number | undefined;
  /** Why there was no answer. */
  readonly error: string | undefined;
  readonly tookMs: number;
}

/**
 * How a request shares the run of another request. `coalesced`: the run is under way, or replied just now. `reused`: it is the last good run.
 * `stale`: it is the last good run, and replaces a failure.
 */
export type Sharing = 'coalesced' | 'reused' | 'stale';

/** How the result of a shadow compares with the reply. `failed`: the shadow has no result. */
export type Compared = 'equal' | 'different' | 'failed';

/** Is told of things that no event tells. */
export interface Hearer {
  answered(request: AnsweredRequest): void;
  called(call: UpstreamCall): void;
  committed(tookMs: number, events: number): void;
  attempted(delivery: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): void;
  shared(task: string, how: Sharing): void;
  compared(task: string, shadow: string, how: Compared): void;
}

/** Numbers that the parts of a process count besides events, and the hearers of what takes time. */
export class Measures {
  /** While this list is empty, nothing is measured. */
  hearers: readonly Hearer[] = [];
  /** How many event streams are open. */
  streams = 0;
  /** How many connections were cut off because their readers were too slow. */
  cutOff = 0;
  /** When the database last saw this node, on the clock of `performance.now()`. -Infinity before that, and in a process that is no node. */
  lastBeatAt = -Infinity;
  /** How many runs of other nodes this node took over. */
  takeovers = 0;
  /** How many sub-tasks waited in the dead-letter queue when this node last looked. Undefined before it looked. */
  deadLetters: number | undefined;

  get isHeard(): boolean {
    return this.hearers.length > 0;
  }
}
