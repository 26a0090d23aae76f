import { z } from 'zod';
import type { Journal } from '../run/journal.js';
import type { Note } from '../run/notes.js';
import type { Opening } from './breaker.js';

const KIND = 'breaker';
/** How long after its cooldown a breaker is remembered that nobody closes, in milliseconds. */
const REMEMBERED_MS = 3_600_000;
const MOST_REASON = 500;

const openingSchema = z.object({
  since: z.number(),
  until: z.number(),
  forMs: z.number(),
  failedProbes: z.int(),
  reason: z.string(),
});

/** The notes in the journal about breakers that aren’t closed. They outlive a restart, and all nodes of the journal share them. */
export class BreakerNotes {
  constructor(private readonly journal: Journal) {}

  /** The breakers that aren’t closed, by upstream. @throws {DomainError} `journal-unavailable` */
  async all(): Promise<ReadonlyMap<string, Opening>> {
    const notes = await this.journal.notes.all(KIND);
    return new Map(notes.flatMap((note) => openingOf(note)));
  }

  /**
   * @param opening undefined for a closed breaker
   * @throws {DomainError} `journal-unavailable`
   */
  async keep(upstream: string, opening: Opening | undefined): Promise<void> {
    const { notes } = this.journal;
    if (!opening) return notes.remove(KIND, upstream);
    const text = JSON.stringify({ ...opening, reason: opening.reason.slice(0, MOST_REASON) });
    return notes.put({ kind: KIND, name: upstream, text, until: opening.until + REMEMBERED_MS });
  }
}

/** Empty for a note in another form, as a newer version may write it. */
function openingOf({ name, text }: Note): readonly (readonly [string, Opening])[] {
  try {
    return [[name, openingSchema.parse(JSON.parse(text))]];
  } catch {
    return [];
  }
}
