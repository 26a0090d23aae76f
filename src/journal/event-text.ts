import type { RunEvent } from '../core/events.js';
import { aboutRun } from '../core/new-event.js';
import { parseJson } from '../core/exact-json.js';
import { labelMembers } from '../core/labels.js';
import type { EventQuery } from '../run/journal-pages.js';

/** What of an event can be read without parsing all of its text. */
export interface EventHead {
  readonly id: number;
  readonly type: string;
  readonly runId: string;
  readonly task: string;
  readonly client: string | undefined;
  /** As JSON. */
  readonly labels: string | undefined;
}

/** How the text of an event begins. No id or name has a character that JSON escapes. */
const HEAD =
  /^\{"id":(\d+),"type":"([^"]*)","time":"[^"]*","runId":"([^"]*)","task":"([^"]*)"(?:,"client":"([^"]*)")?(?:,"labels":(\{(?:"(?:[^"\\]|\\.)*"[:,]?)*\}))?/;

/** Between two events of a row. JSON text has no line break of its own, so each event is a line. */
export const EVENT_BREAK = ',\n';

/**
 * An event as JSON, with its members in the order in which clients of the API get them. Joining the parts takes half of the time
 * of `JSON.stringify(event)`.
 *
 * @param about what {@link aboutRun} says of its run. Default: it is made of the event
 */
export function eventText(event: RunEvent, about = aboutRun(event.runId, event)): string {
  const { id, type, time, data } = event;
  const part = 'subTask' in event ? `,"subTask":"${event.subTask}","attempt":${event.attempt}` : '';
  return `{"id":${id},"type":"${type}","time":"${time}",${about}${part},"data":${JSON.stringify(data)}}`;
}

/** Undefined for a text that is damaged. */
export function headOf(text: string): EventHead | undefined {
  const [, id, type = '', runId = '', task = '', client, labels] = HEAD.exec(text) ?? [];
  return id === undefined ? undefined : { id: Number(id), type, runId, task, client, labels };
}

/** @throws {Error} for a text that is damaged */
export function soundHeadOf(text: string): EventHead {
  const head = headOf(text);
  if (head) return head;
  throw new Error(`This is not the text of an event: ${text.slice(0, 200)}`);
}

/** Says of events, by what can be read without parsing them, whether a query asks for them. */
export function fitting({
  after,
  runId,
  task,
  client,
  types,
  labels,
}: EventQuery): (head: EventHead) => boolean {
  const wanted = types && new Set<string>(types);
  const members = labels && labelMembers(labels);
  return (head) =>
    head.id > after &&
    (runId === undefined || head.runId === runId) &&
    (task === undefined || head.task === task) &&
    (client === undefined || head.client === client) &&
    (wanted?.has(head.type) ?? true) &&
    (members?.every((member) => head.labels?.includes(member)) ?? true);
}

/** What a row has where an event of a run is in it. The data of another event may have the same. */
export function memberOf(runId: string): string {
  return `"runId":${JSON.stringify(runId)}`;
}

/** The texts of the events in a row of `commits`. */
export function textsOf(row: string): string[] {
  return row === '[]' ? [] : row.slice(1, -1).split(EVENT_BREAK);
}

/** Those of one run. It reads no more of the other events than it must. */
export function textsOfRun(row: string, runId: string): string[] {
  const member = memberOf(runId);
  const texts: string[] = [];
  for (let at = row.indexOf(member); at >= 0;) {
    const start = Math.max(1, row.lastIndexOf('\n', at) + 1);
    const next = row.indexOf(EVENT_BREAK, at);
    const end = next < 0 ? row.length - 1 : next;
    const text = row.slice(start, end);
    if (headOf(text)?.runId === runId) texts.push(text);
    at = row.indexOf(member, end);
  }
  return texts;
}

/** A row of `commits` with these events. */
export function rowOf(texts: readonly string[]): string {
  return `[${texts.join(EVENT_BREAK)}]`;
}

/** Stored events as the journal published them. @throws {SyntaxError} for a text that is damaged */
export function parseEvents(texts: readonly string[]): RunEvent[] {
  return parseJson(rowOf(texts)) as RunEvent[];
}
