import ms from 'ms';
import type { BreakerTerms } from '../core/breaker.js';
import type { Clock } from '../core/clock.js';
import type { AttemptError } from '../core/run.js';
import type { BreakerState, Passage } from '../run/breakers.js';
import { AttemptWindow, type Counts } from './attempt-window.js';
import { blameOf } from './blame.js';

/** What is kept of a breaker that isn’t closed. Times are milliseconds since 1970 by the clock of the journal. */
export interface Opening {
  readonly since: number;
  readonly until: number;
  /** From when `until` was set to that. */
  readonly forMs: number;
  readonly failedProbes: number;
  readonly reason: string;
}

const LEAST_EXTENSION_MS = 1_000;

/** A change that a breaker has made by itself. */
export type BreakerChange = 'opened' | 'probes' | 'closed';

/**
 * The breaker of one upstream.
 *
 * - `closed`: attempts begin, and what becomes of them is counted
 * - `open`: none begins
 * - `half-open`: one begins, the probe, and all others are refused until it has ended: a success closes it, a failure opens it for twice as long
 */
export class Breaker {
  /** How often it has opened in this process. */
  opened = 0;
  private readonly window = new AttemptWindow();
  private opening: Opening | undefined;
  /** When it will be half-open, on the clock of `performance.now()`. */
  private openUntil = 0;
  private probe: Passage | undefined;
  /** Changes whenever it opens or closes: what began before says nothing of after. */
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

  /** Undefined while it is closed. */
  get standing(): Opening | undefined {
    return this.opening;
  }

  /** How long it is still open, in milliseconds. */
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

  /** Nothing can be said of an attempt: where it was the probe, the next one is. */
  release(passage: CountedPassage): void {
    if (passage === this.probe) this.probe = undefined;
  }

  /** Leaves the upstream alone for as long as that asks for. */
  leaveAlone(terms: BreakerTerms, askedMs: number): void {
    const forMs = Math.min(askedMs, terms.maxCooldownMs);
    // Answers that come one after the other ask for the same: not each is a change.
    if (this.state === 'open' && forMs < this.waitMs + LEAST_EXTENSION_MS) return;
    this.open(forMs, 0, `it asks to be left alone for ${ms(Math.ceil(forMs))}`);
  }

  /** Closes it, and forgets what it has counted. */
  close(): void {
    if (!this.opening) return;
    this.adopt(undefined);
    this.changed(this, 'closed');
  }

  /** Takes over what another process has kept of it, without telling of a change. Undefined: it has closed. */
  adopt(opening: Opening | undefined): void {
    this.age += 1;
    this.opening = opening;
    this.window.clear();
    if (!opening) {
      this.probe = undefined;
      return;
    }
    // A clock that was set back must not keep it open for longer than it was to be.
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

  /** One that has taken too long already would have been slow, however it had ended. */
  cancelled(firstChunkMs?: number): void {
    if (this.isSlow(firstChunkMs)) this.breaker.ended(this, false, true);
    else this.breaker.release(this);
  }

  private isSlow(firstChunkMs: number | undefined): boolean {
    return (firstChunkMs ?? this.breaker.elapsedMs(this.startedAt)) > this.terms.slowMs;
  }
}
