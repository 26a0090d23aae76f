import { Worker } from 'node:worker_threads';
import type { StoreOptions } from './sqlite-database.js';
import type { SqliteStore } from './sqlite-store.js';
import type { AnswerMessage } from './sqlite-worker.js';

type Method = Exclude<keyof SqliteStore, 'close'>;
type Arguments<M extends Method> = Parameters<SqliteStore[M]>;
type Value<M extends Method> = Awaited<ReturnType<SqliteStore[M]>>;

/** A `SqliteStore` in a thread of its own. When the thread has died, the next call starts another. */
export class SqliteThread {
  private worker: Worker | undefined;
  private readonly calls = new Map<number, PromiseWithResolvers<unknown>>();
  private lastCall = 0;

  constructor(private readonly options: StoreOptions) {}

  /** Rejects with what the store throws, also while it opens, and when the thread dies of something else. */
  call<M extends Method>(method: M, ...args: Arguments<M>): Promise<Value<M>> {
    const worker = (this.worker ??= this.start());
    const call = ++this.lastCall;
    const answer = Promise.withResolvers<unknown>();
    this.calls.set(call, answer);
    worker.postMessage({ call, method, args });
    return answer.promise as Promise<Value<M>>;
  }

  /** Ends the thread at once. What is under way is rejected. */
  async kill(): Promise<void> {
    await this.worker?.terminate();
  }

  /** Lets the thread finish what it was asked to, close its database, and end. */
  async close(): Promise<void> {
    const { worker } = this;
    if (!worker) return;
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.once('exit', resolve);
    worker.postMessage('close');
    await promise;
  }

  private start(): Worker {
    const worker = new Worker(new URL('./sqlite-worker.js', import.meta.url), { workerData: this.options });
    worker.on('message', ({ call, value, error, details }: AnswerMessage) => {
      const answer = this.calls.get(call);
      this.calls.delete(call);
      if (error === undefined) answer?.resolve(value);
      else answer?.reject(Object.assign(error as Error, details));
    });
    const died = (reason: unknown): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      const calls = [...this.calls.values()];
      this.calls.clear();
      for (const { reject } of calls) reject(reason);
    };
    worker.on('error', died);
    worker.on('exit', (code) => {
      died(new Error(`The journal’s thread ended with code ${code}`));
    });
    return worker;
  }
}
