import type { RunEvent } from '../core/events.js';
import { timeText } from './event-clock.js';
import type { EventRow } from './log-queries.js';

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
