import { setTimeout as delay } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import type { RunEvent } from '../core/events.js';
import { jsonOf, type Client } from './client.js';
import { ServiceError } from './service-error.js';

/** Marks the point up to which the reader has all events. */
interface Cursor {
  readonly type: 'cursor';
}

const [type, text] = [z.literal('cursor'), z.string()];
const messageSchema = z.union([
  z.object({ type }),
  z.object({ type: text, runId: text, task: text, time: z.iso.datetime(), data: z.looseObject({}) }),
]);

interface Followed {
  readonly signal: AbortSignal;
  /** Called with each response that brings events. */
  readonly opened: (response: Response) => void;
  /** Called when the connection is cut, or can't be made again. Another try follows. */
  readonly lost: () => void;
}

/**
 * The events of a stream, until the service has no more of them or the signal is aborted. After an interruption, continues after the last
 * received event.
 *
 * @throws {ServiceError} when the first answer isn't an event stream, or when a later one shows that asking again is useless: for example
 * because it isn't an event stream
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
      // A finished run has no further events.
      if (response.status === 204 || !response.body) return;
      if (!isEventStream(response)) throw client.foreign(response);
      connected = true;
      opened(response);
      const onRetry = (ms: number) => (retryMs = ms);
      const messages = response.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream({ onRetry }));
      let lastType: string | undefined;
      for await (const { id, data } of messages) {
        const event = jsonOf(data);
        if (!isMessage(event)) throw client.foreign(response);
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

function isEventStream({ headers }: Response): boolean {
  return /^text\/event-stream\b/.test(headers.get('Content-Type') ?? '');
}

function isMessage(value: unknown): value is RunEvent | Cursor {
  return messageSchema.safeParse(value).success;
}
