import ms from 'ms';
import type { BreakerTerms } from '../core/breaker.js';
import type { Clock } from '../core/clock.js';
import type { AttemptError } from '../core/run.js';
import type { BreakerState, Passage } from '../run/breakers.js';
import { AttemptWindow, type Counts } from './attempt-window.js';
import { blameOf } from './blame.js';

/** The persistent state of a breaker that isn’t closed. Times are milliseconds since 1970 by the journal's clock. */
export interface Opening {
  readonly since: number;
  readonly until: number;
  /** The time from when `until` was set to `until`, in milliseconds. */
  readonly forMs: number;
  readonly failedProbes: number;
  readonly reason: string;
}

const LEAST_EXTENSION_MS = 1_000;

/** A change of state that a breaker made by itself. */
export type BreakerChange = 'opened' | 'probes' | 'closed';

/**
 * The breaker of one upstream.
 *
 * - `closed`: attempts begin, and their outcomes are counted
 * - `open`: no attempt begins
 * - `half-open`: one attempt begins, the probe. Others are refused until it has ended. A success closes the breaker; a failure opens it
 *   for twice as long
 */
export class Breaker {
  /** How often the breaker has opened in this process. */
  opened = 0;
  private readonly window = new AttemptWindow();
  private opening: Opening | undefined;
  /** When the breaker becomes half-open, on the clock of `performance.now()`. */
  private openUntil = 0;
  private probe: Passage | undefined;
  /** Changes whenever the breaker opens or closes. Attempts that began before that are not counted after it. */
  private age = 0;

  /** @param now the clock of the journal; `clock` measures how long things take */
  constructor(
    readonly upstream: string,
    private readonly clock: Clock,
    private readonly now: () => number,
    private readonly changed: (breaker: Breaker, change: BreakerChange) => void,
  ) {}

  get state(): BreakerState {
    if (!this.opening) return 'closed';
    return this.waitMs > 0 ? 'open' : 'half-open';
  }

  /** Undefined while the breaker is closed. */
  get standing(): Opening | undefined {
    return this.opening;
  }

  /** How long the breaker stays open, in milliseconds. */
  get waitMs(): number {
    const leftMs = this.opening ? this.openUntil - this.clock.elapsed() : 0;
    // Timers are early by less than a millisecond now and then.
    return leftMs < 1 ? 0 : leftMs;
  }

  elapsedMs(since: number): number {
    return this.clock.elapsed() - since;
  }

  counts(windowMs: number): Counts {
    return this.window.counts(this.clock.elapsed(), windowMs);
  }

  refusal(): AttemptError | undefined {
    const { opening, upstream, waitMs } = this;
    if (!opening || (waitMs === 0 && !this.probe)) return undefined;
    const when =
      waitMs > 0 ? `open for another ${Math.ceil(waitMs)} ms` : 'half-open: another attempt probes it';
    return {
      code: 'circuit-open',
      message: `The breaker of ${upstream} is ${when}; ${opening.reason}`,
      ...(waitMs > 0 && { retryAt: new Date(this.now() + waitMs).toISOString() }),
    };
  }

  admit(terms: BreakerTerms): Passage | AttemptError {
    const refusal = this.refusal();
    if (refusal) return refusal;
    const passage = new CountedPassage(this, terms, this.clock.elapsed(), this.age);
    if (!this.opening) return passage;
    this.probe = passage;
    this.changed(this, 'probes');
    return passage;
  }

  /** Counts an attempt that has ended. */
  ended(passage: CountedPassage, hasFailed: boolean, isSlow: boolean): void {
    const { terms, age } = passage;
    if (passage === this.probe) {
      this.probe = undefined;
      if (hasFailed || isSlow) this.reopen(terms, hasFailed ? 'a probe failed' : 'a probe was slow');
      else this.close();
      return;
    }
    if (age !== this.age || this.opening) return;
    const at = this.clock.elapsed();
    this.window.add(at, hasFailed, isSlow, terms.windowMs);
    if (hasFailed || isSlow) this.judge(terms);
  }

  /** Called for an attempt that tells nothing about the upstream. If it was the probe, the next attempt is the probe. */
  release(passage: CountedPassage): void {
    if (passage === this.probe) this.probe = undefined;
  }

  /** Opens for as long as the upstream asks for. */
  leaveAlone(terms: BreakerTerms, askedMs: number): void {
    const forMs = Math.min(askedMs, terms.maxCooldownMs);
    // Several answers in a row ask for nearly the same time. Not each is a change.
    if (this.state === 'open' && forMs < this.waitMs + LEAST_EXTENSION_MS) return;
    this.open(forMs, 0, `it asks to be left alone for ${ms(Math.ceil(forMs))}`);
  }

  /** Closes the breaker, and forgets its counts. */
  close(): void {
    if (!this.opening) return;
    this.adopt(undefined);
    this.changed(this, 'closed');
  }

  /** Takes over the state that another process has recorded, without reporting a change. Undefined means closed. */
  adopt(opening: Opening | undefined): void {
    this.age += 1;
    this.opening = opening;
    this.window.clear();
    if (!opening) {
      this.probe = undefined;
      return;
    }
    // If the clock was set back, the breaker must not stay open for longer than intended.
    const leftMs = Math.min(opening.until - this.now(), opening.forMs);
    this.openUntil = this.clock.elapsed() + leftMs;
  }

  private judge(terms: BreakerTerms): void {
    const { attempts, failed, slow } = this.counts(terms.windowMs);
    if (attempts < terms.least) return;
    const within = `of ${attempts} attempts within ${ms(terms.windowMs)}`;
    if (failed / attempts >= terms.failures) this.open(terms.cooldownMs, 0, `${failed} ${within} failed`);
    else if (slow / attempts >= terms.slowShare)
      this.open(terms.cooldownMs, 0, `${slow} ${within} took longer than ${ms(terms.slowMs)}`);
  }

  private reopen({ cooldownMs, maxCooldownMs }: BreakerTerms, reason: string): void {
    const failedProbes = (this.opening?.failedProbes ?? 0) + 1;
    this.open(Math.min(cooldownMs * 2 ** failedProbes, maxCooldownMs), failedProbes, reason);
  }

  private open(forMs: number, failedProbes: number, reason: string): void {
    const now = this.now();
    const { since = now, failedProbes: before = 0 } = this.opening ?? {};
    if (this.state !== 'open') this.opened += 1;
    this.adopt({ since, until: now + forMs, forMs, failedProbes: Math.max(failedProbes, before), reason });
    this.changed(this, 'opened');
  }
}

class CountedPassage implements Passage {
  constructor(
    private readonly breaker: Breaker,
    readonly terms: BreakerTerms,
    private readonly startedAt: number,
    readonly age: number,
  ) {}

  succeeded(firstChunkMs?: number): void {
    this.breaker.ended(this, false, this.isSlow(firstChunkMs));
  }

  failed(error: AttemptError, retryAfterMs = 0, firstChunkMs?: number): number {
    const { breaker, terms } = this;
    const blame = blameOf(error);
    if (blame === 'nothing') breaker.release(this);
    else breaker.ended(this, blame === 'sick', this.isSlow(firstChunkMs));
    const { status = 503 } = error.upstream ?? {};
    if (retryAfterMs > 0 && (status === 429 || status === 503)) breaker.leaveAlone(terms, retryAfterMs);
    return breaker.waitMs;
  }

  /** An attempt that has already taken too long counts as slow, whatever its outcome would have been. */
  cancelled(firstChunkMs?: number): void {
    if (this.isSlow(firstChunkMs)) this.breaker.ended(this, false, true);
    else this.breaker.release(this);
  }

  private isSlow(firstChunkMs: number | undefined): boolean {
    return (firstChunkMs ?? this.breaker.elapsedMs(this.startedAt)) > this.terms.slowMs;
  }
}
