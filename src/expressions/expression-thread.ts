import { Worker } from 'node:worker_threads';
import { parseJson } from '../core/exact-json.js';
import type { JsonValue } from '../core/json.js';
import type { MemoryBudget } from '../core/memory-budget.js';
import { textOf } from '../core/thrown.js';
import type { Answer, Questions } from './expression-worker.js';
import { FairQueue } from './fair-queue.js';

/** How long the expressions of one answer may take together, in milliseconds. */
const MOST_MS = 1_000;

/** Thrown for expressions without a value. The message says why. */
export class ExpressionError extends Error {
  override name = 'ExpressionError';
}

/** The value of an expression, undefined for nothing, or its error. */
export type Evaluated = { readonly value: JsonValue | undefined } | { readonly error: string };

interface Job {
  readonly questions: Questions;
  /** Ends the wait for the evaluation. */
  readonly signal: AbortSignal;
  readonly answered: PromiseWithResolvers<readonly Evaluated[]>;
}

/**
 * Evaluates expressions in a thread of its own, one answer of an upstream at a time, in turns of the sub-tasks. Nothing but the end of
 * a thread bounds a regular expression or a function of the library. The thread starts with the first answer, and anew after one that
 * was ended.
 */
export class ExpressionThread {
  private worker: Worker | undefined;
  private isReady = false;
  /** The waiting jobs. Sub-tasks take turns; each is identified by its expressions. */
  private readonly waiting = new FairQueue<Job>();
  private current: Job | undefined;
  private timeout: NodeJS.Timeout | undefined;

  constructor(private readonly memory: MemoryBudget) {}

  /**
   * @param bytes approximate memory of the questions
   * @returns the values of the expressions, in their order
   * @throws {ExpressionError} when they take too long
   */
  async evaluate(questions: Questions, bytes: number, signal: AbortSignal): Promise<readonly Evaluated[]> {
    const job = { questions, signal, answered: Promise.withResolvers<readonly Evaluated[]>() };
    this.memory.take(bytes);
    this.waiting.enqueue(questions.sources, job);
    this.worker ??= this.start();
    if (!this.current) this.next();
    try {
      return await job.answered.promise;
    } finally {
      this.memory.give(bytes);
    }
  }

  async close(): Promise<void> {
    const { worker } = this;
    const reason = new ExpressionError('the service is stopping');
    for (let job = this.waiting.dequeue(); job; job = this.waiting.dequeue()) job.answered.reject(reason);
    if (worker) this.end(worker, reason);
    await worker?.terminate();
  }

  private start(): Worker {
    // Without a limit of its heap: one large value past that would end the process.
    const worker = new Worker(new URL('./expression-worker.js', import.meta.url), { env: {} });
    worker.unref();
    worker.on('message', (message: 'ready' | readonly Answer[]) => {
      if (this.worker !== worker) return;
      if (message === 'ready') this.isReady = true;
      else this.answer(message);
      this.next();
    });
    worker.on('error', (error) => {
      this.end(worker, new ExpressionError(`failed: ${textOf(error)}`));
    });
    return worker;
  }

  /** Begins the next evaluation as soon as the thread is free. */
  private next(): void {
    const { worker } = this;
    if (!worker || !this.isReady || this.current) return;
    let job = this.waiting.dequeue();
    for (; job?.signal.aborted; job = this.waiting.dequeue()) job.answered.reject(job.signal.reason);
    if (!job) return;
    try {
      worker.postMessage(job.questions);
    } catch (error) {
      job.answered.reject(error);
      this.next();
      return;
    }
    this.current = job;
    this.timeout = setTimeout(() => {
      this.end(worker, new ExpressionError(`took longer than ${MOST_MS / 1_000} s`));
      void worker.terminate();
    }, MOST_MS);
  }

  private answer(answers: readonly Answer[]): void {
    clearTimeout(this.timeout);
    this.current?.answered.resolve(answers.map(evaluated));
    this.current = undefined;
  }

  /** Ends the thread, and starts another one if jobs wait. */
  private end(worker: Worker, reason: ExpressionError): void {
    if (this.worker !== worker) return;
    clearTimeout(this.timeout);
    const job = this.current ?? this.waiting.dequeue();
    this.current = undefined;
    this.worker = undefined;
    this.isReady = false;
    job?.answered.reject(reason);
    if (!this.waiting.isEmpty) this.worker = this.start();
  }
}

function evaluated(answer: Answer): Evaluated {
  if ('error' in answer) return answer;
  return { value: answer.text === undefined ? undefined : (parseJson(answer.text) as JsonValue) };
}
