/** The thread in which the journal waits for the disk. It answers each call of a `SqliteThread` with the result of the store. */
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreOptions } from './sqlite-database.js';
import { SqliteStore } from './sqlite-store.js';
import { detailsOf, type StoreErrorDetails } from './store-error.js';

export type StoreCall = {
  [M in Exclude<keyof SqliteStore, 'close'>]: {
    readonly method: M;
    readonly args: Parameters<SqliteStore[M]>;
  };
}[Exclude<keyof SqliteStore, 'close'>];

export type CallMessage = StoreCall & { readonly call: number };

export interface AnswerMessage {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: unknown;
  /** Properties of an error that are lost when it is copied to another thread. */
  readonly details?: StoreErrorDetails;
}

const port = parentPort;
if (!port) throw new Error('This file is for worker threads');
const store = SqliteStore.open(workerData as StoreOptions);

async function answer({ call, method, args }: CallMessage): Promise<AnswerMessage> {
  try {
    const invoke = store[method].bind(store) as (...args: unknown[]) => unknown;
    return { call, value: await invoke(...args) };
  } catch (error) {
    return { call, error, details: detailsOf(error) };
  }
}

port.on('message', (message: CallMessage | 'close') => {
  if (message === 'close') {
    store.close();
    port.close();
    return;
  }
  void answer(message).then((answered) => {
    port.postMessage(answered);
  });
});
