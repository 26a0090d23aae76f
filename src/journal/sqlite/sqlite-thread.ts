import { Worker } from 'node:worker_threads';
import Queue from 'yocto-queue';
import { DomainError } from '../../core/domain-error.js';
import type { ArgumentsOf, READS, WRITES } from './beside-log.js';
import type { StoreOptions } from './sqlite-database.js';
import type { SqliteStore } from './sqlite-store.js';
import type { AnswerMessage, CallMessage } from './sqlite-worker.js';

type Method = Exclude<keyof SqliteStore, 'close'>;
type Arguments<M extends Method> = Parameters<SqliteStore[M]>;
type Value<M extends Method> = Awaited<ReturnType<SqliteStore[M]>>;

/**
 * How many calls a thread has at once. This also bounds how many answers wait to be taken. Answers may be large, and Node hands over all
 * that are ready within one turn of the event loop.
 */
const MOST_CALLS = 32;

/** A `SqliteStore` in a thread of its own. When the thread has died or was closed, the next call starts another, but not after `end`. */
export class SqliteThread {
  private worker: Worker | undefined;
  /** Resolves when the last thread has ended, and with it its connection. */
  private exited: Promise<unknown> = Promise.resolve();
  private readonly calls = new Map<number, PromiseWithResolvers<unknown>>();
  /** Calls that are not sent to the thread yet. */
  private readonly waiting = new Queue<CallMessage>();
  private lastCall = 0;
  private refilling = false;
  private ended = false;

  constructor(private readonly options: StoreOptions) {}

  /**
   * Calls a method of the store. Rejects with the store's errors, including those of opening it, when the thread dies, and after `end`.
   */
  call<M extends Method>(method: M, ...args: Arguments<M>): Promise<Value<M>> {
    if (this.ended) return Promise.reject(new DomainError('stopping', 'The journal is closed'));
    const worker = (this.worker ??= this.start());
    const call = ++this.lastCall;
    const answer = Promise.withResolvers<unknown>();
    this.calls.set(call, answer);
    const message = { call, method, args } as CallMessage;
    if (this.calls.size <= MOST_CALLS && this.waiting.size === 0) worker.postMessage(message);
    else this.waiting.enqueue(message);
    return answer.promise as Promise<Value<M>>;
  }

  /** Reads a table beside the log. */
  read<N extends keyof typeof READS>(
    what: N,
    ...args: ArgumentsOf<(typeof READS)[N]>
  ): Promise<ReturnType<(typeof READS)[N]>> {
    return this.call('read', what, args) as Promise<ReturnType<(typeof READS)[N]>>;
  }

  /** Writes a table beside the log. */
  write<N extends keyof typeof WRITES>(
    what: N,
    ...args: ArgumentsOf<(typeof WRITES)[N]>
  ): Promise<ReturnType<(typeof WRITES)[N]>> {
    return this.call('write', what, args) as Promise<ReturnType<(typeof WRITES)[N]>>;
  }

  /** Ends the thread at once. Calls under way are rejected. A thread that has died of an error still has its connection for a moment. */
  async kill(): Promise<void> {
    await this.worker?.terminate();
    await this.exited;
  }

  /** Lets the thread finish its calls, close its database, and end. */
  async close(): Promise<void> {
    const { worker } = this;
    if (!worker) return;
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.once('exit', resolve);
    for (const message of this.waiting.drain()) worker.postMessage(message);
    worker.postMessage('close');
    await promise;
  }

  /** Closes the thread for good. */
  end(): Promise<void> {
    this.ended = true;
    return this.close();
  }

  private start(): Worker {
    const worker = new Worker(new URL('./sqlite-worker.js', import.meta.url), { workerData: this.options });
    worker.on('message', ({ call, value, error, details }: AnswerMessage) => {
      const answer = this.calls.get(call);
      this.calls.delete(call);
      if (error === undefined) answer?.resolve(value);
      else answer?.reject(Object.assign(error as Error, details));
      if (this.waiting.size > 0) this.refillSoon();
    });
    const died = (reason: unknown): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      const calls = [...this.calls.values()];
      this.calls.clear();
      this.waiting.clear();
      for (const { reject } of calls) reject(reason);
    };
    worker.on('error', died);
    this.exited = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('exit', (code) => {
      died(new Error(`The journal’s thread ended with code ${code}`));
    });
    return worker;
  }

  /**
   * Sends more calls in the next turn of the event loop. Otherwise answers could keep coming within one turn, and block everything else.
   */
  private refillSoon(): void {
    if (this.refilling) return;
    this.refilling = true;
    setImmediate(() => {
      this.refilling = false;
      while (this.waiting.size > 0 && this.calls.size - this.waiting.size < MOST_CALLS)
        this.worker?.postMessage(this.waiting.dequeue());
    });
  }
}
