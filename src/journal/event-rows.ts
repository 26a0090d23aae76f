import type { RunEvent } from '../core/events.js';
import { CommitGroup } from './commit-group.js';
import type { IdempotencyKey } from '../run/journal.js';
import type { EventRow } from './log-queries.js';
import type { EventGroup } from './sqlite/sqlite-store.js';
import { timeText } from './event-clock.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };

/** Events that are to be committed together, as events and as rows. */
export class GroupOfEvents extends CommitGroup {
  readonly events: RunEvent[] = [];
  readonly rows: Mutable<EventGroup>;

  constructor(firstId: number) {
    super();
    this.rows = { firstId, lastId: firstId - 1, events: [], started: [], finished: [], keys: [] };
  }

  get nextId(): number {
    return this.rows.lastId + 1;
  }

  override get count(): number {
    return this.events.length;
  }

  /**
   * @param run the number of the run that the event belongs to
   * @param ms the event's time in milliseconds since 1970
   * @param key kept with a run that starts
   */
  add(event: RunEvent, run: number, ms: number, key?: IdempotencyKey): void {
    const { rows } = this;
    const data = JSON.stringify(event.data);
    const about = 'subTask' in event ? event : undefined;
    rows.lastId = event.id;
    rows.events.push(event.id, run, event.type, ms, about?.subTask ?? null, about?.attempt ?? null, data);
    if (event.type === 'run.started') rows.started.push(run, event.runId, event.task, ms, 'running');
    if (event.type === 'run.finished') rows.finished.push(event.data.status, ms, run);
    if (event.type === 'run.reopened') rows.finished.push('running', null, run);
    if (key) rows.keys.push(key.client, key.key, key.fingerprint, run, ms);
    this.events.push(event);
    this.size += data.length;
  }

  override tellsOf(runId: string): boolean {
    return this.events.some((event) => event.runId === runId);
  }
}

/** Stored events as the journal published them. */
export function eventsOf(rows: readonly EventRow[]): RunEvent[] {
  return rows.map(({ id, type, run_id: runId, task, time, sub_task: subTask, attempt, data }) => ({
    type,
    runId,
    task,
    ...(subTask !== null && { subTask, attempt }),
    data: JSON.parse(data) as unknown,
    id,
    time: timeText(time),
  })) as RunEvent[];
}
