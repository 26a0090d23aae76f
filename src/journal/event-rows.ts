import type { RunEvent } from '../core/events.js';
import { CommitGroup } from './commit-group.js';
import type { IdempotencyKey } from '../run/idempotency-key.js';
import type { EventRow } from './log-queries.js';
import type { EventGroup } from './sqlite/sqlite-store.js';
import type { JournaledRun, JournalEntry } from '../run/journaled-run.js';
import { stamped, timeText } from './event-clock.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Item[] : T[K] };

/** Events that are to be committed together, as events and as rows. */
export class GroupOfEvents extends CommitGroup {
  readonly entries: JournalEntry[] = [];
  readonly rows: Mutable<EventGroup>;

  constructor(firstId: number) {
    super();
    this.rows = { firstId, lastId: firstId - 1, events: [], started: [], finished: [], keys: [] };
  }

  get nextId(): number {
    return this.rows.lastId + 1;
  }

  override get count(): number {
    return this.entries.length;
  }

  /** Stamps an event and adds it. @param key kept with a run that starts */
  add(run: JournaledRun, unstamped: RunEvent, key?: IdempotencyKey): void {
    const { rows } = this;
    const ms = Date.now();
    const event = stamped(unstamped, this.nextId, ms);
    if (event.type === 'run.started') run.number = event.id;
    const { number } = run;
    if (number === undefined) throw new Error(`The run ${run.id} was never started`);
    const data = JSON.stringify(event.data);
    const about = 'subTask' in event ? event : undefined;
    rows.lastId = event.id;
    rows.events.push(event.id, number, event.type, ms, about?.subTask ?? null, about?.attempt ?? null, data);
    if (event.type === 'run.started') rows.started.push(number, event.runId, event.task, ms, 'running');
    if (event.type === 'run.finished') rows.finished.push(event.data.status, ms, number);
    if (event.type === 'run.reopened') rows.finished.push('running', null, number);
    if (key) rows.keys.push(key.client, key.key, key.fingerprint, number, ms);
    this.entries.push({ run, event });
    this.size += data.length;
  }

  override tellsOf(runId: string): boolean {
    return this.entries.some(({ run }) => run.id === runId);
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
