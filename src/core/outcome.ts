import type { RunEvent } from './events.js';
import type { Outcome } from './run.js';

/** The outcome that an event records, if it is a sub-task's last. */
export function outcomeOf(event: RunEvent): Outcome | undefined {
  switch (event.type) {
    case 'sub-task.succeeded':
      return { subTask: event.subTask, status: 'succeeded', result: event.data.result };
    case 'sub-task.failed':
      return { subTask: event.subTask, status: 'failed', error: event.data.error };
    case 'sub-task.cancelled':
      return { subTask: event.subTask, status: 'cancelled', reason: event.data.reason };
    case 'sub-task.skipped':
      return { subTask: event.subTask, status: 'skipped', reason: event.data.reason };
    default:
      return undefined;
  }
}
