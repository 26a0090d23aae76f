import type { BreakerTerms } from '../core/breaker.js';
import type { AttemptError } from '../core/run.js';

/** An attempt that a breaker has let through. Exactly one of these methods is called when the attempt has ended. */
export interface Passage {
  /** @param firstChunkMs how long the first chunk of a stream took: this counts as the attempt's time */
  succeeded(firstChunkMs?: number): void;
  /**
   * @param retryAfterMs how long the upstream asks to be left alone
   * @returns in how many milliseconds the next attempt may begin; 0: at once
   */
  failed(error: AttemptError, retryAfterMs?: number, firstChunkMs?: number): number;
  /** The attempt was given up: nobody knows how it would have ended. */
  cancelled(firstChunkMs?: number): void;
}

/** State of an upstream's breaker. `half-open`: the next attempt is a probe, or a probe is under way. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Keeps attempts away from upstreams that fail or are slow. */
export abstract class Breakers {
  /** Lets an attempt begin, or returns why it may not: `circuit-open`. */
  abstract admit(terms: BreakerTerms, task: string, subTask: string): Passage | AttemptError;

  /** Why an attempt may not begin now; undefined where it may. */
  abstract refusal(terms: BreakerTerms, task: string, subTask: string): AttemptError | undefined;

  /** Whether the breaker of a sub-task's upstream is open. */
  abstract isOpen(terms: BreakerTerms, task: string, subTask: string): boolean;

  /** Resolves when this process knows which breakers were open before it began. */
  abstract ready(): Promise<void>;

  /** All known breakers, and how often each has opened in this process. */
  abstract states(): readonly {
    readonly upstream: string;
    readonly state: BreakerState;
    readonly opened: number;
  }[];
}
