import type { RunEvent } from '../core/events.js';
import { eventText, headOf, rowOf, textsOf } from './event-text.js';

/** The text of an event after its run was erased. */
export function erasedText(text: string): string {
  const { id, time, runId, task, client } = JSON.parse(text) as RunEvent;
  const about = client === undefined ? { runId, task } : { runId, task, client };
  return eventText({ id, type: 'run.erased', time, ...about, data: {} });
}

/** A row of `commits` after a run was erased. */
export function erasedRow(row: string, runId: string): string {
  return rowOf(textsOf(row).map((text) => (headOf(text)?.runId === runId ? erasedText(text) : text)));
}
