import type { EventType, RunEvent, SubTaskEvent } from './events.js';
import type { Labels } from './labels.js';

/** The run that an event tells of. */
interface Subject {
  readonly id: string;
  readonly task: string;
  readonly client?: string | undefined;
  readonly labels?: Labels | undefined;
}

/** JSON members that all events of a run share, so that they are written out once. Ids and names have no character that JSON escapes. */
export function aboutRun(runId: string, { task, client, labels }: Omit<Subject, 'id'>): string {
  const by = client === undefined ? '' : `,"client":"${client}"`;
  const under = labels === undefined ? '' : `,"labels":${JSON.stringify(labels)}`;
  return `"runId":"${runId}","task":"${task}"${by}${under}`;
}

/** An event of a run. The journal fills in its id and time. A run without client or labels has no such member, which keeps each event short. */
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

/** An event of a sub-task, made as {@link runEvent} makes one of a run. */
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
