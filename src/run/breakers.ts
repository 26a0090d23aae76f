import type { BreakerTerms } from '../core/breaker.js';
import type { AttemptError } from '../core/run.js';

/** An attempt that a breaker has let through. One of these is called when it has ended. */
export interface Passage {
  /** @param firstChunkMs of a stream, how long its first chunk took: what counts as its time */
  succeeded(firstChunkMs?: number): void;
  /**
   * @param retryAfterMs how long it asks to be left alone
   * @returns in how many milliseconds the next attempt may begin; 0: at once
   */
  failed(error: AttemptError, retryAfterMs?: number, firstChunkMs?: number): number;
  /** It was given up: nobody knows what it would have brought. */
  cancelled(firstChunkMs?: number): void;
}

/** How the breaker of an upstream stands. `half-open`: the next attempt probes it, or one does. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Keeps attempts from upstreams that fail, or are slow. */
export abstract class Breakers {
  /** Lets an attempt begin, or says why not: `circuit-open`. */
  abstract admit(terms: BreakerTerms, task: string, subTask: string): Passage | AttemptError;

  /** Why an attempt could not begin now; undefined where it could. */
  abstract refusal(terms: BreakerTerms, task: string, subTask: string): AttemptError | undefined;

  /** Whether the upstream of a sub-task is left alone. */
  abstract isOpen(terms: BreakerTerms, task: string, subTask: string): boolean;

  /** Resolves when it is known which were open before this process began. */
  abstract ready(): Promise<void>;

  /** All that are known, and how often each has opened in this process. */
  abstract states(): readonly {
    readonly upstream: string;
    readonly state: BreakerState;
    readonly opened: number;
  }[];
}
