import type { RequestHandler } from 'express';
import { callerOf } from './access-control.js';
import type { RateLimit } from './rate-limit.js';

/** Counts each run of a batch as a request of its caller. The first run was counted with the request itself. */
export function countRunsOfBatches(limit: RateLimit): RequestHandler {
  return (request, response, next) => {
    const runs = (request.body as { readonly runs?: unknown } | null)?.runs;
    if (Array.isArray(runs) && runs.length > 1) limit.countMore(callerOf(request), runs.length - 1, response);
    next();
  };
}
