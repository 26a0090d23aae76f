import { from, materialize, type ObservableInput } from 'rxjs';
import { SubTaskError } from '../core/sub-task-error.js';

/** How many chunks of an Observable may wait to be read: an Observable can't be made to wait. */
const MAX_WAITING = 10_000;

/** The returned stream as an async iterable. @throws {SubTaskError} where no stream was returned */
export function streamSource(returned: unknown): AsyncIterable<unknown> {
  if (typeof returned === 'object' && returned !== null) {
    if (Symbol.asyncIterator in returned) return returned as AsyncIterable<unknown>;
    if ('subscribe' in returned) return chunksOf(returned as ObservableInput<unknown>);
  }
  throw new SubTaskError(
    'It declares stream and returned none; return an async iterable or an Observable, or take stream out of @SubTask',
    { retry: false },
  );
}

async function* chunksOf(observable: ObservableInput<unknown>): AsyncGenerator {
  // Materialized, an error comes after the chunks before it, and doesn't replace them.
  const notifications = from(observable).pipe(materialize());
  let subscription: { unsubscribe(): void } | undefined;
  const waiting = new ReadableStream<{ kind: string; value?: unknown; error?: unknown }>(
    {
      start(controller) {
        subscription = notifications.subscribe((notification) => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(notification);
          else controller.error(tooMany());
        });
      },
      cancel: () => subscription?.unsubscribe(),
    },
    { highWaterMark: MAX_WAITING },
  );
  for await (const { kind, value, error } of waiting) {
    if (kind === 'E') throw error;
    if (kind === 'C') return;
    yield value;
  }
}

function tooMany(): SubTaskError {
  return new SubTaskError(
    `More than ${MAX_WAITING} chunks of its Observable wait to be read; return an async iterable, which can be made to wait`,
    { code: 'result-too-large' },
  );
}
