import type { WebhookEvent } from './webhook-event.js';

/** A request that was answered, or whose caller has gone. */
export interface AnsweredRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** As the OpenAPI document writes it, such as `/runs/{id}`; undefined for an address that nothing answers at. */
  readonly route: string | undefined;
  /** Undefined where the caller had gone before there was one. */
  readonly status: number | undefined;
  /** Whether the caller had gone before the whole answer was sent. */
  readonly aborted: boolean;
  readonly tookMs: number;
}

/** A request to an upstream. */
export interface UpstreamCall {
  readonly method: string;
  readonly origin: string;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** Why there was none. */
  readonly error: string | undefined;
  readonly tookMs: number;
}

/** How a request has its answer of the run of another one: under way (`coalesced`), the last good one (`reused`), or that in the place of a failure (`stale`). */
export type Sharing = 'coalesced' | 'reused' | 'stale';

/** How the result of a shadow compares with the reply; `failed`: it has none. */
export type Compared = 'equal' | 'different' | 'failed';

/** Who is told what no event tells. */
export interface Hearer {
  answered(request: AnsweredRequest): void;
  called(call: UpstreamCall): void;
  committed(tookMs: number, events: number): void;
  attempted(delivery: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): void;
  shared(task: string, how: Sharing): void;
  compared(task: string, shadow: string, how: Compared): void;
}

/** What the parts of a process count beside events, and who is told what takes time. */
export class Measures {
  /** Nobody measures anything while there are none. */
  hearers: readonly Hearer[] = [];
  /** How many event streams are open. */
  streams = 0;
  /** How many connections were cut off because their readers were too slow. */
  cutOff = 0;
  /** When the database last saw this node, on the clock of `performance.now()`; -Infinity before it has, and where it is no node. */
  lastBeatAt = -Infinity;
  /** How many runs of other nodes this one took over. */
  takeovers = 0;
  /** How many sub-tasks waited in the dead-letter queue when this node last looked; undefined before. */
  deadLetters: number | undefined;

  get isHeard(): boolean {
    return this.hearers.length > 0;
  }
}
