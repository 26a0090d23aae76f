import type { RunEvent } from '../../core/events.js';

/** What is between two events of a row of `commits`. JSON has no line break of its own, so each event is a line. */
const BREAK = ',\n';
/** How an event begins that has no id yet. */
const NO_ID = '{"id":0,';

/** What of an event can be read without parsing all of it. */
export interface EventHead {
  readonly id: number;
  readonly type: string;
  readonly runId: string;
  readonly task: string;
}

/** No id and no name has a character that JSON escapes. */
const HEAD = /^\{"id":(\d+),"type":"([^"]+)","time":"[^"]+","runId":"([^"]+)","task":"([^"]+)"/;

/** An event that is stamped with its time, as API clients get it, but for its beginning: the id, which the database knows. */
export function textWithoutId(event: RunEvent): string {
  return JSON.stringify(event).slice(NO_ID.length);
}

/** A row of `commits` with events that have no ids yet. @param firstId that of the first of them */
export function rowOf(textsWithoutIds: readonly string[], firstId: number): string {
  return `[${textsWithoutIds.map((text, index) => `{"id":${firstId + index},${text}`).join(BREAK)}]`;
}

/** The texts of the events in a row of `commits`. */
export function textsOf(events: string): string[] {
  return events.slice(1, -1).split(BREAK);
}

/** The run that an event is of; undefined for what is no text of an event. */
export function runIdOf(text: string): string | undefined {
  return HEAD.exec(text)?.[3];
}

/** @throws {Error} for what is no text of an event */
export function headOf(text: string): EventHead {
  const [, id, type, runId, task] = HEAD.exec(text) ?? [];
  if (type === undefined || runId === undefined || task === undefined)
    throw new Error(`This is not the text of an event: ${text.slice(0, 200)}`);
  return { id: Number(id), type, runId, task };
}

/** Stored events as the journal published them. */
export function parseEvents(texts: readonly string[]): RunEvent[] {
  return JSON.parse(`[${texts.join(BREAK)}]`) as RunEvent[];
}

/** What the text of a row has where an event of a run is in it. An event's data may have the same. */
export function memberOf(runId: string): string {
  return `"runId":${JSON.stringify(runId)}`;
}
