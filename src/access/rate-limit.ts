import { ThrottlerException, type ThrottlerStorage } from '@nestjs/throttler';
import type { Response } from 'express';

/** So many requests of one caller in a window of so many milliseconds, a whole number of seconds. */
export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
}

/** Counts the requests of each caller, and refuses those past a rate. */
export class RateLimit {
  private readonly policy: string;

  constructor(
    readonly rate: Rate,
    private readonly counts: ThrottlerStorage,
  ) {
    this.policy = `"default";q=${String(rate.requests)};w=${String(rate.windowMs / 1000)}`;
  }

  /**
   * Counts a request, and says in the response what is left (draft-ietf-httpapi-ratelimit-headers).
   *
   * @throws {ThrottlerException} when it is one too many
   */
  async count(caller: string, response: Response): Promise<void> {
    const { requests, windowMs } = this.rate;
    const { totalHits, timeToExpire, isBlocked } = await this.counts.increment(
      caller,
      windowMs,
      requests,
      0,
      'default',
    );
    response.setHeader('RateLimit-Policy', this.policy);
    response.setHeader(
      'RateLimit',
      `"default";r=${String(Math.max(0, requests - totalHits))};t=${String(timeToExpire)}`,
    );
    if (!isBlocked) return;
    response.setHeader('Retry-After', timeToExpire);
    throw new ThrottlerException(
      `More than ${String(requests)} requests in ${String(windowMs / 1000)} s; the next is taken in ${String(timeToExpire)} s`,
    );
  }
}
