import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Measures } from '../core/measures.js';
import { MemoryBudget, NEW_RUNS_SHARE } from '../core/memory-budget.js';
import { loggerOf } from '../core/logger-of.js';
import { Seldom } from './seldom.js';

/** An answer is cut off when its caller takes nothing of it for so long, in milliseconds. */
const STALL_MS = 10_000;
/** Share of the memory budget: less than the share of new runs, so that readers alone can't keep anybody from starting runs. */
const SHARE = NEW_RUNS_SHARE / 2;

/**
 * Counts the memory of connections: answers that callers have not read yet, arriving bodies, streams, and pipelined requests that wait for
 * an earlier answer.
 */
@Injectable()
export class ConnectionMemory {
  private readonly seldom = new Seldom(loggerOf('request'));
  private readonly limitBytes: number;
  private usedBytes = 0;
  /** By answer, the oldest first: a function that stops counting it. */
  private readonly unsent = new Map<ServerResponse, () => void>();

  constructor(
    private readonly budget: MemoryBudget,
    private readonly measures: Measures,
  ) {
    this.limitBytes = budget.limitBytes * SHARE;
  }

  get used(): number {
    return this.usedBytes;
  }

  /** How many answers were not taken yet. */
  get unsentAnswers(): number {
    return this.unsent.size;
  }

  /** Counts bytes until they are given back; returns false where there is no room for them. */
  take(bytes: number): boolean {
    const fits = this.usedBytes + bytes <= this.limitBytes && this.budget.fits(bytes);
    if (fits) this.count(bytes);
    return fits;
  }

  give(bytes: number): void {
    this.count(-bytes);
  }

  /**
   * Counts the bytes of an answer until all are sent, or {@link release}d. When there is no room, cuts off the answers that wait longest:
   * their callers are the least likely to be reading.
   */
  hold(response: ServerResponse, bytes: number): void {
    if (response.closed) return;
    this.release(response);
    this.count(bytes);
    const release = (): void => {
      if (!this.unsent.delete(response)) return;
      this.give(bytes);
      response.off('finish', release).off('close', release).setTimeout(0);
    };
    this.unsent.set(response, release);
    // Node destroys the connection when nothing of the answer went out for this time.
    response.setTimeout(STALL_MS);
    // Before Node’s own listener, which sets the keep-alive time of the connection.
    response.prependListener('finish', release).once('close', release);
    this.cutOffOldest(response);
  }

  release(response: ServerResponse): void {
    this.unsent.get(response)?.();
  }

  private cutOffOldest(newest: ServerResponse): void {
    for (const [response, release] of this.unsent) {
      if (this.usedBytes <= this.limitBytes || response === newest) return;
      this.seldom.warn(
        'A connection was cut off: callers read their answers so slowly that they take a quarter of MEMORY_BUDGET',
      );
      this.measures.cutOff += 1;
      release();
      response.destroy();
    }
  }

  private count(bytes: number): void {
    this.usedBytes += bytes;
    this.budget.take(bytes);
  }
}
