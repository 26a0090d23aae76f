import { setTimeout as delay } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { RunEvent } from '../core/events.js';
import { parseJson } from '../core/exact-json.js';
import { ServiceError, type Client } from './client.js';

/** Says up to where a reader has all. */
interface Cursor {
  readonly type: 'cursor';
}

interface Followed {
  readonly signal: AbortSignal;
  /** Is called with each answer that brings events. */
  readonly opened: (response: Response) => void;
  /** Is called when the connection is cut, or can't be made again: it is tried again. */
  readonly lost: () => void;
}

/**
 * The events of a stream, until the service says that there are no more, or the signal. Where it was cut off, it goes on behind
 * the last event that it had.
 *
 * @throws {ServiceError} when the first answer is none, or when a later one says that it is of no use to ask again
 */
export async function* followEvents(
  client: Client,
  path: string,
  { signal, opened, lost }: Followed,
): AsyncGenerator<RunEvent> {
  const isOver = () => signal.aborted;
  let retryMs = 2_000;
  let lastId: string | undefined;
  let connected = false;
  while (!isOver()) {
    try {
      const response = await client.request(path, {
        headers: { Accept: 'text/event-stream', ...(lastId !== undefined && { 'Last-Event-ID': lastId }) },
        signal,
      });
      // Of a run that is over there is nothing more.
      if (response.status === 204 || !response.body) return;
      connected = true;
      opened(response);
      const onRetry = (ms: number) => (retryMs = ms);
      const messages = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onRetry }));
      let lastType: string | undefined;
      for await (const { id, data } of messages) {
        const event = parseJson(data) as RunEvent | Cursor;
        lastId = id ?? lastId;
        lastType = event.type;
        if (event.type !== 'cursor') yield event;
      }
      if (lastType === 'run.finished' && path.startsWith('/runs/')) return;
    } catch (error) {
      if (isOver()) return;
      if (error instanceof ServiceError && !(connected && error.passes)) throw error;
    }
    lost();
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
