import { millisecondsSince } from '../core/duration.js';
import type { Journal } from './journal.js';

/**
 * Age of the first event after a cursor, in milliseconds; 0 where there is none. (The last event before the cursor may be much older.)
 *
 * @throws {DomainError} `journal-unavailable`
 */
export async function behindMs(journal: Journal, cursor: number): Promise<number> {
  if (cursor >= journal.lastEventId) return 0;
  const [first] = (await journal.events({ after: cursor, limit: 1 })).events;
  return millisecondsSince(first?.time ?? null, journal.now());
}
