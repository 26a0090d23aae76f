import { DomainError } from '../core/domain-error.js';
import type { RunEvent } from '../core/events.js';
import type { EventBus } from '../events/event-bus.js';
import type { Journal } from '../run/journal.js';
import { checked, eventsOptionsSchema } from './arguments.js';

const PAGE = 100;

export interface EventsOptions {
  /** The id that they come behind: a whole number. Default 0: from the first event that is kept. */
  readonly after?: number;
  /** Ends them. Default: never. */
  readonly signal?: AbortSignal;
}

/**
 * Committed events in their order, those that are to come too; of a run until it is finished. Nothing is lost or repeated between what is
 * read and what is new: whoever reads slowly reads from the journal.
 *
 * @param runId undefined for the events of all runs
 * @throws {DomainError} `invalid-request`; `run-unknown`; `journal-unavailable`; `stopping` when the application stops before the run is finished
 */
export async function* runEvents(
  journal: Journal,
  bus: EventBus,
  runId: string | undefined,
  options: EventsOptions,
  ended: AbortSignal | undefined,
): AsyncGenerator<RunEvent, void> {
  const { after, signal } = checked(eventsOptionsSchema, options);
  let news = Promise.withResolvers<undefined>();
  const wake = (): void => {
    news.resolve(undefined);
  };
  const unwatch = runId === undefined ? bus.watchAll(wake) : bus.watch(runId, wake);
  signal?.addEventListener('abort', wake);
  ended?.addEventListener('abort', wake);
  try {
    for (let at = after; !signal?.aborted;) {
      news = Promise.withResolvers();
      const { events, next } = await journal.events({ runId, after: at, limit: PAGE });
      for (const event of events) {
        yield event;
        if (runId !== undefined && event.type === 'run.finished') return;
      }
      if (events.length === 0 && next === at) {
        if (ended?.aborted) {
          if (runId === undefined) return;
          const message = 'The application stopped before the run was finished';
          throw new DomainError('stopping', message, { runId });
        }
        await news.promise;
      }
      at = next;
    }
  } finally {
    unwatch();
    signal?.removeEventListener('abort', wake);
    ended?.removeEventListener('abort', wake);
  }
}
