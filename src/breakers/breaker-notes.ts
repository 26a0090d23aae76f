import { z } from 'zod';
import type { Journal } from '../run/journal.js';
import type { Note } from '../run/notes.js';
import type { Opening } from './breaker.js';

const KIND = 'breaker';
/** How long a breaker that nobody closes is remembered behind its cooldown. */
const REMEMBERED_MS = 3_600_000;
const MOST_REASON = 500;

const openingSchema = z.object({
  since: z.number(),
  until: z.number(),
  forMs: z.number(),
  failedProbes: z.int(),
  reason: z.string(),
});

/** What the nodes of a journal know of the breakers that aren’t closed, also after a restart. */
export class BreakerNotes {
  constructor(private readonly journal: Journal) {}

  /** Those that aren’t closed, by their upstreams. @throws {DomainError} `journal-unavailable` */
  async all(): Promise<ReadonlyMap<string, Opening>> {
    const notes = await this.journal.notes.all(KIND);
    return new Map(notes.flatMap((note) => openingOf(note)));
  }

  /** @param opening undefined where it is closed. @throws {DomainError} `journal-unavailable` */
  async keep(upstream: string, opening: Opening | undefined): Promise<void> {
    const { notes } = this.journal;
    if (!opening) return notes.remove(KIND, upstream);
    const text = JSON.stringify({ ...opening, reason: opening.reason.slice(0, MOST_REASON) });
    return notes.put({ kind: KIND, name: upstream, text, until: opening.until + REMEMBERED_MS });
  }
}

/** None of a note that a newer version has written in another form. */
function openingOf({ name, text }: Note): readonly (readonly [string, Opening])[] {
  try {
    return [[name, openingSchema.parse(JSON.parse(text))]];
  } catch {
    return [];
  }
}
