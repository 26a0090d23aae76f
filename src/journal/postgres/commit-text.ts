import type { RunEvent } from '../../core/events.js';
import { eventText, rowOf } from '../event-text.js';

/** How an event begins that has no id yet. */
const NO_ID = '{"id":0,';

/** An event that is stamped with its time, but for its beginning: the id, which the database knows. */
export function textWithoutId(event: RunEvent, about: string): string {
  return eventText(event, about).slice(NO_ID.length);
}

/** A row of `commits` with events that have no ids yet. @param firstId that of the first of them */
export function rowWithIds(textsWithoutIds: readonly string[], firstId: number): string {
  return rowOf(textsWithoutIds.map((text, index) => `{"id":${firstId + index},${text}`));
}

/** Says of ascending places which row each is in. @param rows the places that begin a row */
export function rowsByPlace(rows: readonly number[]): (place: number) => number {
  let row = 0;
  return (place) => {
    while ((rows[row + 1] ?? Infinity) <= place) row += 1;
    return row;
  };
}
