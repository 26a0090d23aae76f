import type { RunEvent } from '../core/events.js';
import { eventText, headOf, rowOf, textsOf } from './event-text.js';

/** What is left of an event when its run is erased. */
export function erasedText(text: string): string {
  const { id, time, runId, task, client } = JSON.parse(text) as RunEvent;
  const about = client === undefined ? { runId, task } : { runId, task, client };
  return eventText({ id, type: 'run.erased', time, ...about, data: {} });
}

/** What is left of a row of `commits` when a run is erased. */
export function erasedRow(row: string, runId: string): string {
  return rowOf(textsOf(row).map((text) => (headOf(text)?.runId === runId ? erasedText(text) : text)));
}
