import { SubTaskError, type SubTaskErrorOptions } from '../core/sub-task-error.js';
import { ForbiddenAddress } from './address-guard.js';
import { excerptOf } from './excerpt.js';
import type { Hop } from './redirects.js';
import { statusFailure } from './response-outcome.js';
import type { Secrets } from './secrets.js';
import { reasonOf } from './timed-exchange.js';
import { UnfitResponse, type UpstreamResponse } from './upstream-response.js';

/** Makes errors from failed requests and responses. They contain the beginning of the response, without the service's own secrets. */
export class UpstreamFailures {
  /** @param final the statuses that are the caller’s own fault */
  constructor(
    private readonly secrets: Secrets,
    private readonly final: ReadonlySet<number>,
  ) {}

  /** The error for a request that got no response. */
  ofRequest({ upstream }: Hop, error: unknown): SubTaskError {
    const { origin } = upstream;
    if (error instanceof UnfitResponse) return this.ofResponse(origin, error);
    if (error instanceof ForbiddenAddress)
      return this.of(`${origin} is not called: ${error.message}`, {
        code: 'upstream-forbidden',
        retry: false,
      });
    const by = upstream.network.proxy === undefined ? '' : ' through its proxy';
    return this.of(`${origin} can’t be reached${by}: ${reasonOf(error)}`, { code: 'upstream-unreachable' });
  }

  ofStatus({ upstream }: Hop, response: UpstreamResponse): SubTaskError {
    const { message, ...options } = statusFailure(response);
    const final = this.final.has(response.status) && { final: true, retry: false };
    return this.of(
      `${upstream.origin} ${message}`,
      { code: 'upstream-status', ...options, ...final },
      response,
    );
  }

  ofResponse(origin: string, { message, response }: UnfitResponse): SubTaskError {
    const answer = `${origin} answered ${response.status}, but ${message}`;
    return this.of(answer, { code: 'upstream-unfit' }, response);
  }

  of(message: string, options: SubTaskErrorOptions, response?: UpstreamResponse): SubTaskError {
    const upstream = response && {
      status: response.status,
      excerpt: excerptOf(response.body, response.headers['content-type'], this.secrets),
    };
    return new SubTaskError(this.secrets.redact(message), { ...options, ...(upstream && { upstream }) });
  }
}
