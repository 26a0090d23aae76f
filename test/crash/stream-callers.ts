import { inspect } from 'node:util';
import { createParser } from 'eventsource-parser';
import type { BuiltService } from './built-service.ts';
import type { Random } from './random.ts';
import { randomStreamRequest, type StreamTaskName } from './stream-requests.ts';
import { isOver, lastEventIdHeader, type StreamMessage, type ToldStream } from './told-stream.ts';

/** Callers that read streams over all rounds, and read on where they were cut off. */
export class StreamCallers {
  readonly told: ToldStream[] = [];
  /** Answers that no caller should get. */
  readonly surprises: string[] = [];
  /** Those that have not come to their end, and that nobody reads now. */
  readonly #left: ToldStream[] = [];

  /** Called with the next message that a reader gets. */
  #onRead: () => void = () => undefined;

  /**
   * Lets each caller read one stream after the other, those first that an earlier life has left.
   *
   * @returns `begun` resolves with the first message, or when no reader is left; `ended` when the service has ended
   */
  drive(
    service: BuiltService,
    url: string,
    callers: readonly Random[],
  ): { begun: Promise<unknown>; ended: Promise<unknown> } {
    const first = new Promise<void>((resolve) => {
      this.#onRead = resolve;
    });
    const ended = Promise.all(
      callers.map(async (random) => {
        while (!service.ending && (await this.#readOne(service, url, random)));
      }),
    );
    return { begun: Promise.race([first, ended]), ended };
  }

  /** Reads what is left to its end, and each stream from its beginning once more. @returns what that brought, in the order of {@link told} */
  async finish(service: BuiltService, url: string, patienceMs: number): Promise<StreamMessage[][]> {
    const signal = AbortSignal.timeout(patienceMs);
    await Promise.all(this.#left.splice(0).map((stream) => this.#readOn(service, url, stream, signal)));
    return Promise.all(
      this.told.map(async (stream) => {
        const again: ToldStream = { ...stream, messages: [] };
        await this.#readOn(service, url, again, signal);
        return again.messages;
      }),
    );
  }

  /** @returns whether the caller may go on asking */
  async #readOne(service: BuiltService, url: string, random: Random): Promise<boolean> {
    const hangUpAfter = random.pick([Infinity, Infinity, random.int(1, 20)]);
    const left = random.pick([true, false]) ? this.#left.shift() : undefined;
    const stream = left ?? (await this.#ask(service, url, random, hangUpAfter));
    if (!stream) return false;
    if (!isOver(stream)) await this.#readOn(service, url, stream);
    if (!isOver(stream)) this.#left.push(stream);
    return true;
  }

  /** @returns undefined where it was told of no run */
  async #ask(
    service: BuiltService,
    url: string,
    random: Random,
    hangUpAfter: number,
  ): Promise<ToldStream | undefined> {
    const request = randomStreamRequest(random);
    const task = random.pick<StreamTaskName>(['stream-fail', 'stream-restart']);
    const response = await this.#answer(service, `a new run of ${task}`, `${url}/tasks/${task}/runs`, {
      method: 'POST',
      headers: { Accept: 'text/event-stream', 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (!response) return undefined;
    const runId = response.headers.get('location')?.split('/').at(-1) ?? 'without a Location';
    const stream: ToldStream = { task, request, runId, messages: [], cutOff: 0, hungUp: 0 };
    this.told.push(stream);
    await this.#read(service, stream, response, hangUpAfter);
    return stream;
  }

  async #readOn(service: BuiltService, url: string, stream: ToldStream, signal?: AbortSignal): Promise<void> {
    const { runId } = stream;
    const headers = { Accept: 'text/event-stream', ...lastEventIdHeader(stream) };
    const who = `${runId} with ${JSON.stringify(headers)}`;
    const response = await this.#answer(service, who, `${url}/runs/${runId}/stream`, {
      headers,
      ...(signal && { signal }),
    });
    if (response) await this.#read(service, stream, response);
  }

  /** @returns undefined where there is no stream */
  async #answer(
    service: BuiltService,
    who: string,
    url: string,
    init: RequestInit,
  ): Promise<Response | undefined> {
    try {
      const response = await fetch(url, init);
      if (response.status === 200) return response;
      const text = await response.text();
      if (!service.ending)
        this.surprises.push(`A reader of ${who} was answered ${String(response.status)} ${text}`);
    } catch (error) {
      if (!service.ending) this.surprises.push(`A reader of ${who} got no answer: ${inspect(error)}`);
    }
    return undefined;
  }

  /** Reads to the end of the response, or until the caller has had enough. */
  async #read(
    service: BuiltService,
    stream: ToldStream,
    response: Response,
    hangUpAfter = Infinity,
  ): Promise<void> {
    let left = hangUpAfter;
    const parser = createParser({
      onEvent: ({ id, event = 'message', data }) => {
        left -= 1;
        // What came in one packet with the message after which the caller hangs up counts as not read.
        if (left < 0) return;
        this.#onRead();
        stream.messages.push({
          id: id === undefined ? undefined : Number(id),
          event,
          data: JSON.parse(data),
        });
      },
    });
    const decoder = new TextDecoder();
    try {
      for await (const part of response.body ?? []) {
        parser.feed(decoder.decode(part as Uint8Array, { stream: true }));
        if (left <= 0) break;
      }
      if (isOver(stream)) return;
      if (left <= 0) stream.hungUp += 1;
      else if (service.ending) stream.cutOff += 1;
      else this.surprises.push(`The stream of ${stream.runId} ended without an end`);
    } catch (error) {
      if (service.ending) stream.cutOff += 1;
      else this.surprises.push(`The stream of ${stream.runId} broke off: ${inspect(error)}`);
    }
  }
}
