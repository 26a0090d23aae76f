import { randomBytes } from 'node:crypto';

/** How many tokens a process remembers by itself as withdrawn. */
const MOST_WITHDRAWN = 10_000;

/** Keeps the secret and the withdrawals of tokens for all processes that share a journal. Each call throws `journal-unavailable` if it can't be done. */
export interface TokenKeeping {
  /** The secret that signs tokens. */
  secret(): Promise<string>;
  /**
   * Withdraws a token. Resolves when that is recorded.
   *
   * @param until when the token expires anyway, in milliseconds since 1970
   */
  withdraw(id: string, until: number): Promise<void>;
  /** Whether a token that expires at `until` was withdrawn. */
  isWithdrawn(id: string, until: number): Promise<boolean>;
}

/** The tokens of a process that keeps its journal in memory. */
export class OwnTokens implements TokenKeeping {
  private readonly ownSecret = randomBytes(32).toString('hex');
  private readonly withdrawn = new Map<string, number>();
  /** All tokens that expire at this time or earlier count as withdrawn. */
  private allUntil = 0;

  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  secret(): Promise<string> {
    return Promise.resolve(this.ownSecret);
  }

  withdraw(id: string, until: number): Promise<void> {
    if (this.withdrawn.size >= MOST_WITHDRAWN) this.makeRoom();
    this.withdrawn.set(id, until);
    return Promise.resolve();
  }

  isWithdrawn(id: string, until: number): Promise<boolean> {
    return Promise.resolve(until <= this.allUntil || this.withdrawn.has(id));
  }

  /** Makes room for one more. Tokens may end too early by that, but no withdrawn token becomes valid again. */
  private makeRoom(): void {
    const now = this.now();
    for (const [id, until] of this.withdrawn) if (until <= now) this.withdrawn.delete(id);
    if (this.withdrawn.size < MOST_WITHDRAWN) return;
    this.allUntil = Math.max(this.allUntil, ...this.withdrawn.values());
    this.withdrawn.clear();
  }
}
