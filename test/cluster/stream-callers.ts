import { setTimeout as sleep } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { Random } from '../crash/random.ts';
import { randomStreamRequest, type StreamTaskName } from '../crash/stream-requests.ts';
import { isOver, lastEventIdHeader, type StreamMessage, type ToldStream } from '../crash/told-stream.ts';
import { isRefusal, PAUSE_MS, type AnyNode } from './any-node.ts';

/** How long a reader stays with one node at most: one that is halted says nothing. */
const STAY_MS = 2_000;
/** How many streams are read again at a time. */
const LANES = 16;

/** Callers that read streams of runs, now at this node, now at that, and read on where they were cut off or hung up. */
export class StreamCallers {
  readonly told: ToldStream[] = [];
  /** Answers that no caller should get. */
  readonly surprises: string[] = [];
  readonly #nodes: AnyNode;

  constructor(nodes: AnyNode) {
    this.#nodes = nodes;
  }

  /** Lets each caller read one stream after the other to its end. @returns what lets them come to their ends */
  drive(callers: readonly Random[]): () => Promise<unknown> {
    let goesOn = true;
    const all = callers.map(async (random) => {
      while (goesOn) await this.#call(random);
    });
    return () => {
      goesOn = false;
      return Promise.all(all);
    };
  }

  /** Reads each stream from its beginning once more. @returns what that brought, in the order of {@link told} */
  async readAgain(random: Random): Promise<StreamMessage[][]> {
    const again = this.told.map((stream) => ({ ...stream, messages: [] }));
    const left = again.values();
    const lane = async (): Promise<void> => {
      for (const stream of left) await this.#readToEnd(random, stream);
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return again.map(({ messages }) => messages);
  }

  async #call(random: Random): Promise<void> {
    const request = randomStreamRequest(random);
    const task = random.pick<StreamTaskName>(['stream-fail', 'stream-restart']);
    const hangUpAfter = random.pick([Infinity, random.int(1, 20)]);
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    };
    const response = await this.#ask(random, `/tasks/${task}/runs`, init);
    if (!response) return;
    const runId = response.headers.get('location')?.split('/').at(-1) ?? 'without a Location';
    const stream: ToldStream = { task, request, runId, messages: [], cutOff: 0, hungUp: 0 };
    this.told.push(stream);
    await this.#read(stream, response, hangUpAfter);
    await this.#readToEnd(random, stream);
  }

  async #readToEnd(random: Random, stream: ToldStream): Promise<void> {
    const until = performance.now() + this.#nodes.patienceMs;
    while (!isOver(stream) && performance.now() < until) {
      const init = { headers: lastEventIdHeader(stream) };
      const hangUpAfter = random.pick([Infinity, random.int(1, 20)]);
      const response = await this.#ask(random, `/runs/${stream.runId}/stream`, init);
      if (response) await this.#read(stream, response, hangUpAfter);
    }
  }

  /** @returns undefined where there is no stream */
  async #ask(
    random: Random,
    path: string,
    init: Omit<RequestInit, 'headers'> & { readonly headers: Readonly<Record<string, string>> },
  ): Promise<Response | undefined> {
    const { url = '' } = await this.#nodes.pick(random);
    const headers = { ...init.headers, Accept: 'text/event-stream' };
    const signal = AbortSignal.timeout(STAY_MS);
    try {
      const response = await fetch(`${url}${path}`, { ...init, headers, signal });
      if (response.status === 200) return response;
      const { status } = response;
      const text = await response.text();
      if (status === 204 || !isRefusal({ status, body: JSON.parse(text) }))
        this.surprises.push(`A reader of ${path} was answered ${String(status)} ${text}`);
    } catch {
      // The node was ended or cut off, or keeps silent.
    }
    await sleep(PAUSE_MS);
    return undefined;
  }

  /** Reads until the response ends, its node keeps silent, or the caller has had enough. */
  async #read(stream: ToldStream, response: Response, hangUpAfter: number): Promise<void> {
    let left = hangUpAfter;
    const parser = createParser({
      onEvent: ({ id, event = 'message', data }) => {
        left -= 1;
        // What came in one packet with the message after which the caller hangs up counts as not read.
        if (left < 0) return;
        const number = id === undefined ? undefined : Number(id);
        stream.messages.push({ id: number, event, data: JSON.parse(data) });
      },
    });
    try {
      for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        parser.feed(text);
        if (left <= 0) break;
      }
    } catch {
      // As when it is asked.
    }
    if (isOver(stream)) return;
    if (left <= 0) stream.hungUp += 1;
    else stream.cutOff += 1;
  }
}
