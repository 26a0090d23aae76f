import { millisecondsSince } from '../core/duration.js';
import type { Journal } from './journal.js';

/**
 * How long ago the first event behind a cursor was, in milliseconds; 0 where there is none. The last one before it may have been long ago.
 *
 * @throws {DomainError} `journal-unavailable`
 */
export async function behindMs(journal: Journal, cursor: number): Promise<number> {
  if (cursor >= journal.lastEventId) return 0;
  const [first] = (await journal.events({ after: cursor, limit: 1 })).events;
  return millisecondsSince(first?.time ?? null, journal.now());
}
