import { randomBytes } from 'node:crypto';

/** How many tokens a process remembers by itself as withdrawn. */
const MOST_WITHDRAWN = 10_000;

/** What is kept for tokens by all that share a journal, also over restarts. Each call throws `journal-unavailable` where it can't be done. */
export interface TokenKeeping {
  /** What tokens are signed with. */
  secret(): Promise<string>;
  /**
   * Makes a token good no more. Resolves when that is on record.
   *
   * @param until when it would have ended by itself, in milliseconds since 1970
   */
  withdraw(id: string, until: number): Promise<void>;
  /** Whether a token that would be good until then was withdrawn. */
  isWithdrawn(id: string, until: number): Promise<boolean>;
}

/** Of a process that shares its journal with nobody and has no disk. */
export class OwnTokens implements TokenKeeping {
  private readonly ownSecret = randomBytes(32).toString('hex');
  private readonly withdrawn = new Map<string, number>();
  /** Tokens that end then or earlier are all withdrawn. */
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

  /** Rather ends tokens too early than forgets one that was withdrawn. */
  private makeRoom(): void {
    const now = this.now();
    for (const [id, until] of this.withdrawn) if (until <= now) this.withdrawn.delete(id);
    if (this.withdrawn.size < MOST_WITHDRAWN) return;
    this.allUntil = Math.max(this.allUntil, ...this.withdrawn.values());
    this.withdrawn.clear();
  }
}
