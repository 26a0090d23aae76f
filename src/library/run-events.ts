import { DomainError } from '../core/domain-error.js';
import { withoutWebhooks, type RunEvent } from '../core/events.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../run/journal.js';
import { checked, eventsOptionsSchema } from './arguments.js';
import type { Parts } from './parts.js';
import type { Readers } from './readers.js';

const PAGE = 100;

/** Used in place of an id for the events of all runs, so that an id left out by mistake doesn't mean them. */
export const ALL_RUNS = Symbol('all runs');

export interface EventsOptions {
  /** Only events after this id, a whole number. Default 0: from the first event that is kept. */
  readonly after?: number;
  /** Ends the events. Default: never. */
  readonly signal?: AbortSignal;
}

/**
 * Committed events in order: first those in the journal, then new ones as they come. Those of one run end when the run is finished. All are
 * read from the journal, so none is lost or repeated.
 *
 * @param of the id of a run, or {@link ALL_RUNS}
 * @throws {DomainError} `invalid-request`; `run-unknown`; `journal-unavailable`; `stopping` when the application stops before the run is
 * finished, or before all is read
 */
export async function* runEvents(
  app: Parts,
  of: string | typeof ALL_RUNS,
  options: EventsOptions,
  readers: Readers,
): AsyncGenerator<RunEvent, void> {
  const { after, signal } = checked(eventsOptionsSchema, options);
  const { ended } = readers;
  const runId = of === ALL_RUNS ? undefined : of;
  const bus = app.get(EventBus, { strict: false });
  let news = Promise.withResolvers<undefined>();
  const wake = (): void => {
    news.resolve(undefined);
  };
  const unwatch = runId === undefined ? bus.watchAll(wake) : bus.watch(runId, wake);
  signal?.addEventListener('abort', wake);
  ended.addEventListener('abort', wake);
  try {
    for (let at = after; !signal?.aborted;) {
      news = Promise.withResolvers();
      const journal = app.get(Journal, { strict: false });
      const { events, next } = await readers.read(journal.events({ runId, after: at, limit: PAGE }));
      for (const event of events) {
        yield withoutWebhooks(event);
        if (runId !== undefined && event.type === 'run.finished') return;
      }
      if (events.length === 0 && next === at) {
        if (ended.aborted) {
          if (runId === undefined) return;
          throw stoppedBefore(runId);
        }
        await news.promise;
      }
      at = next;
    }
  } finally {
    unwatch();
    signal?.removeEventListener('abort', wake);
    ended.removeEventListener('abort', wake);
  }
}

export function stoppedBefore(runId: string): DomainError {
  return new DomainError('stopping', 'The application stopped before the run was finished', { runId });
}
