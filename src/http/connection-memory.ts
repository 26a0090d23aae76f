import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Measures } from '../core/measures.js';
import { MemoryBudget, NEW_RUNS_SHARE } from '../core/memory-budget.js';
import { loggerOf } from '../core/logger-of.js';
import { Seldom } from './seldom.js';

/** An answer of which nothing is taken for so long is cut off, in milliseconds. */
const STALL_MS = 10_000;
/** Of the memory budget: less than what new runs may take, so that readers alone keep nobody from starting runs. */
const SHARE = NEW_RUNS_SHARE / 2;

/**
 * Counts what connections take in memory: answers that were not taken yet, bodies that arrive, streams, and requests that wait for
 * the answer before theirs.
 */
@Injectable()
export class ConnectionMemory {
  private readonly seldom = new Seldom(loggerOf('request'));
  private readonly limitBytes: number;
  private usedBytes = 0;
  /** What ends the count of each answer, the oldest first. */
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

  /** Counts bytes, which must be given back; false where there is no room for them. */
  take(bytes: number): boolean {
    const fits = this.usedBytes + bytes <= this.limitBytes && this.budget.fits(bytes);
    if (fits) this.count(bytes);
    return fits;
  }

  give(bytes: number): void {
    this.count(-bytes);
  }

  /**
   * Counts what was written, all of it, until it is sent or released. Where there is no room, those are cut off whose callers have
   * kept them waiting the longest: who reads at all is done sooner than who doesn’t.
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
    // Node counts the time in which nothing of it went out, and destroys the connection after that.
    response.setTimeout(STALL_MS);
    // Before Node’s own listener, which sets the time for which the connection is kept.
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
