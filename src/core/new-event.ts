import type { EventType, RunEvent, SubTaskEvent } from './events.js';
import type { Labels } from './labels.js';

/** The run that an event tells of. */
interface Subject {
  readonly id: string;
  readonly task: string;
  readonly client?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** What is the same in the JSON of all events of a run: it is written out once. No id or name has a character that JSON escapes. */
export function aboutRun(runId: string, { task, client, labels }: Omit<Subject, 'id'>): string {
  const by = client === undefined ? '' : `,"client":"${client}"`;
  const under = labels === undefined ? '' : `,"labels":${JSON.stringify(labels)}`;
  return `"runId":"${runId}","task":"${task}"${by}${under}`;
}

/** An event of a run, whose id and time the journal fills in. What few runs have is left out where it is missing: every event is written. */
export function runEvent<T extends EventType>(
  { id: runId, task, client, labels }: Subject,
  type: T,
  data: RunEvent<T>['data'],
): RunEvent {
  const event: object =
    client === undefined
      ? { id: 0, type, time: '', runId, task, data }
      : { id: 0, type, time: '', runId, task, client, data };
  return (labels ? Object.assign(event, { labels }) : event) as RunEvent;
}

/** The same of a sub-task. */
export function subTaskEvent(
  { id: runId, task, client, labels }: Subject,
  type: SubTaskEvent['type'],
  subTask: string,
  attempt: number,
  data: SubTaskEvent['data'],
): SubTaskEvent {
  const event: object =
    client === undefined
      ? { id: 0, type, time: '', runId, task, subTask, attempt, data }
      : { id: 0, type, time: '', runId, task, client, subTask, attempt, data };
  return (labels ? Object.assign(event, { labels }) : event) as SubTaskEvent;
}
