import { z } from 'zod';
import type { Observation } from './product-limit.js';

/** How many ends of a sub-task a slice keeps, and how many decide its place in the order. */
export const MOST_RECENT = 100;

/** The kinds of ends, by the letter that is saved for each. */
const KINDS = { a: 'answered', f: 'failed', c: 'cut' } as const;
const LETTERS = { answered: 'a', failed: 'f', cut: 'c' } as const;

/** The newest ends of a sub-task, {@link MOST_RECENT} at most. Takes about 1 kB. */
export class RecentEnds {
  private readonly times: number[] = [];
  private readonly letters: (keyof typeof KINDS)[] = [];
  /** How many ends were recorded in all. */
  private count = 0;

  record(kind: Observation['kind'], ms: number): void {
    const at = this.count % MOST_RECENT;
    this.times[at] = ms;
    this.letters[at] = LETTERS[kind];
    this.count += 1;
  }

  /** The newest first. */
  newest(): Observation[] {
    const known = this.times.length;
    return this.times.map((_, age) => {
      const at = (this.count - 1 - age + known) % known;
      return { ms: this.times[at] ?? 0, kind: KINDS[this.letters[at] ?? 'c'] };
    });
  }

  /** The oldest first. */
  toJSON(): z.input<typeof recentSchema> {
    const ends = this.newest().reverse();
    return {
      times: ends.map(({ ms }) => ms),
      letters: ends.map(({ kind }) => LETTERS[kind]).join(''),
    };
  }
}

export const recentSchema = z
  .object({
    times: z.array(z.number().min(0)).max(MOST_RECENT),
    letters: z.string().regex(/^[afc]*$/),
  })
  .refine(({ times, letters }) => times.length === letters.length)
  .transform(({ times, letters }) => {
    const ends = new RecentEnds();
    times.forEach((ms, at) => {
      ends.record(KINDS[letters[at] as keyof typeof KINDS], ms);
    });
    return ends;
  });
