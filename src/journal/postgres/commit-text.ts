import type { RunEvent } from '../../core/events.js';
import { eventText, rowOf } from '../event-text.js';

/** How an event begins that has no id yet. */
const NO_ID = '{"id":0,';

/** The text of an event without its beginning, the id: only the database knows that. The event has its time already. */
export function textWithoutId(event: RunEvent, about: string): string {
  return eventText(event, about).slice(NO_ID.length);
}

/** A row of `commits`, made from events without ids. @param firstId id of the first event */
export function rowWithIds(textsWithoutIds: readonly string[], firstId: number): string {
  return rowOf(textsWithoutIds.map((text, index) => `{"id":${firstId + index},${text}`));
}

/**
 * Makes a function that tells which row each place is in. Its calls must be for ascending places.
 *
 * @param rows the first place of each row
 */
export function rowsByPlace(rows: readonly number[]): (place: number) => number {
  let row = 0;
  return (place) => {
    while ((rows[row + 1] ?? Infinity) <= place) row += 1;
    return row;
  };
}
