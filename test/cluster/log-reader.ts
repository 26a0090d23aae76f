import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../src/core/events.js';
import { digestOf } from '../webhooks/receivers.ts';
import { eventsOf } from './event-lines.ts';

const PAUSE_MS = 50;

/** Reads the stream of all events from the beginning of the log, and comes back with its Last-Event-ID whenever it was cut off. */
export class LogReader {
  /** One for each event. */
  readonly digests: string[] = [];
  readonly violations: string[] = [];
  readonly name: string;
  readonly #url: () => string | undefined;
  readonly #closing = new AbortController();
  readonly #life: Promise<void>;
  #hop = new AbortController();

  /** @param url where to connect next; undefined when there is nothing */
  constructor(name: string, url: () => string | undefined) {
    this.name = name;
    this.#url = url;
    this.#life = this.#live();
  }

  /** Lets it connect anew. */
  hop(): void {
    this.#hop.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#life;
  }

  async #live(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#hop = new AbortController();
      const url = this.#url();
      if (url !== undefined) await this.#read(url).catch(() => undefined);
      await sleep(PAUSE_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  async #read(url: string): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, this.#hop.signal]);
    for await (const event of eventsOf(`${url}/events`, this.digests.length, signal)) this.#take(event);
  }

  #take(event: RunEvent): void {
    if (event.id !== this.digests.length + 1)
      this.violations.push(
        `${this.name} was told of event ${String(event.id)} after event ${String(this.digests.length)}`,
      );
    this.digests[event.id - 1] = digestOf(event);
  }
}
