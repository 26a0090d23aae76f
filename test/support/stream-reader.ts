import { request, type IncomingMessage } from 'node:http';
import type { RunEvent } from '../../src/core/events.js';

interface Options {
  /** The API key that it comes with. */
  readonly key?: string;
  readonly lastEventId?: number | string | undefined;
  /** What is posted. Default: nothing, it is a GET. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message of an event stream. */
interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/**
 * Reads an event stream to the letter, and hangs up when a test says so. Whatever ends with a blank line is a message to it, also
 * without data, as to many clients.
 */
export class StreamReader {
  /** What came so far, byte for byte. */
  text = '';
  readonly messages: Message[] = [];
  /** The data of the messages that say up to where it has all. */
  readonly cursors: unknown[] = [];
  /** What a browser would send as Last-Event-ID. */
  lastEventId: string | undefined;
  /** Resolves when the stream has ended: whether it was brought to its end. */
  readonly ended: Promise<{ readonly complete: boolean }>;
  private readonly waiting = new Set<() => void>();
  private pending = '';

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (text: string) => {
      this.take(text);
      for (const check of [...this.waiting]) check();
    });
    this.ended = new Promise((resolve) => {
      response.on('error', () => undefined);
      response.once('close', () => resolve({ complete: response.complete }));
    });
  }

  /** Opens a stream, and resolves with it when its headers are there. */
  static async open(
    url: string,
    { lastEventId, key, body, headers: more }: Options = {},
  ): Promise<StreamReader> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = {
        Accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'Last-Event-ID': String(lastEventId) }),
        ...(key !== undefined && { Authorization: `Bearer ${key}` }),
        ...(body && { 'Content-Type': 'application/json' }),
        ...more,
      };
      const call = request(url, { method: body ? 'POST' : 'GET', agent: false, headers }, resolve);
      call.once('error', reject).end(body && JSON.stringify(body));
    });
    return new StreamReader(response);
  }

  get status(): number | undefined {
    return this.response.statusCode;
  }

  get events(): RunEvent[] {
    return this.messages.map(({ data }) => JSON.parse(data) as RunEvent);
  }

  /** What `find` brings, as soon as what came makes it bring something. */
  until<T>(find: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = find();
        if (found === undefined || found === false) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  close(): void {
    this.response.destroy();
  }

  private take(text: string): void {
    this.text += text;
    this.pending += text;
    for (;;) {
      const end = this.pending.indexOf('\n\n');
      if (end < 0) return;
      const lines = this.pending.slice(0, end).split('\n');
      this.pending = this.pending.slice(end + 2);
      const fields = new Map(
        lines.map((line) => /^([^:]*): ?(.*)$/s.exec(line)!.slice(1, 3) as [string, string]),
      );
      const { id = '', event = '', data = '' } = Object.fromEntries(fields);
      if (fields.has('id')) this.lastEventId = id;
      if (event === 'cursor') this.cursors.push(JSON.parse(data));
      else this.messages.push({ id, event, data });
    }
  }
}
