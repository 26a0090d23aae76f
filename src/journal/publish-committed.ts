import { stackOf, textOf } from '../core/thrown.js';
import { loggerOf } from '../core/logger-of.js';
import type { EventBus } from '../events/event-bus.js';
import type { JournalEntry } from '../run/journaled-run.js';

const logger = loggerOf('journal');

/**
 * Tells each run of a batch, and then the bus, which events are committed.
 *
 * @param refused ids of the events that are refused, because their run was deleted before
 */
export function publishCommitted(
  bus: EventBus,
  batch: readonly JournalEntry[],
  refused: readonly number[],
): void {
  const told = refused.length === 0 ? batch : batch.filter(({ event }) => !refused.includes(event.id));
  tellRuns(told);
  bus.publish(told);
  if (refused.length === 0) return;
  for (const { run, event } of batch) if (refused.includes(event.id)) run.refused(event, false);
}

/** Tells runs of their committed events. Shared runs are left out: they are told in the order of the log. */
export function tellRuns(batch: readonly JournalEntry[]): void {
  for (const entry of batch) if (!entry.run.shared) tellRun(entry);
}

/** Tells a run of a committed event. An error in one run doesn't keep others from hearing of their events. */
export function tellRun({ run, event }: JournalEntry): void {
  try {
    run.committed(event);
  } catch (error) {
    logger.error({
      msg: `The run failed on ${event.type} (event ${event.id}): ${textOf(error)}`,
      runId: run.id,
      ...run.originFields,
      stack: stackOf(error),
    });
  }
}
