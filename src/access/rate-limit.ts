import { ThrottlerException } from '@nestjs/throttler';
import type { Response } from 'express';
import type { CallerCounts } from './caller-counts.js';

/** A number of requests of one caller within a window. The window is in milliseconds, but a whole number of seconds. */
export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
}

/** Counts each caller's requests, and refuses those beyond the rate. */
export class RateLimit {
  private readonly policy: string;

  constructor(
    readonly rate: Rate,
    private readonly counts: CallerCounts,
  ) {
    this.policy = `"default";q=${String(rate.requests)};w=${String(rate.windowMs / 1000)}`;
  }

  /**
   * Counts a request, and sets headers with what is left (draft-ietf-httpapi-ratelimit-headers).
   *
   * @throws {ThrottlerException} when the request exceeds the rate
   */
  count(caller: string, response: Response): void {
    const { requests, windowMs } = this.rate;
    const { isBlocked, timeToExpire } = this.countIn(caller, 1, response);
    if (isBlocked)
      throw new ThrottlerException(
        `More than ${requests} requests in ${windowMs / 1000} s; the next is taken in ${timeToExpire} s`,
      );
  }

  /**
   * Counts the runs of a batch except the first, which counts as the request itself.
   *
   * @throws {ThrottlerException} when these runs exceed the rate
   */
  countMore(caller: string, runs: number, response: Response): void {
    const { requests, windowMs } = this.rate;
    const { isBlocked, left, timeToExpire } = this.countIn(caller, runs, response);
    if (isBlocked)
      throw new ThrottlerException(
        `Each of the ${runs + 1} runs counts as a request, of which ${requests} are taken in ${windowMs / 1000} s; ${left} are left for the next ${timeToExpire} s`,
      );
  }

  private countIn(caller: string, more: number, response: Response) {
    const { requests, windowMs } = this.rate;
    const { totalHits, timeToExpire, isBlocked } = this.counts.increment(caller, windowMs, requests, more);
    const left = Math.max(0, requests - totalHits);
    response.setHeader('RateLimit-Policy', this.policy);
    response.setHeader('RateLimit', `"default";r=${left};t=${timeToExpire}`);
    if (isBlocked) response.setHeader('Retry-After', timeToExpire);
    return { isBlocked, left, timeToExpire };
  }
}
