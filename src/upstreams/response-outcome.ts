import type { SubTaskErrorOptions } from '../core/sub-task-error.js';
import type { UpstreamResponse } from './upstream-response.js';
import { retryAfterMs } from './retry-after.js';

/** A redirect that is not followed. The message continues "redirects …". */
export class UnfollowedRedirect extends Error {
  constructor(
    message: string,
    readonly code: 'upstream-status' | 'upstream-forbidden',
  ) {
    super(message);
    this.name = 'UnfollowedRedirect';
  }
}

/** Describes a response that is no success: a message that continues after the origin, and whether to try again. */
export function statusFailure({
  status,
  headers,
}: UpstreamResponse): { readonly message: string } & Pick<SubTaskErrorOptions, 'retry' | 'retryAfterMs'> {
  const message = `answered ${status}`;
  if (!mayMend(status)) return { message, retry: false };
  const waitMs = retryAfterMs(headers['retry-after'], Date.now());
  if (waitMs === undefined) return { message, retry: true };
  const asks = `${message} and asks to wait ${seconds(waitMs)} (Retry-After)`;
  return { message: asks, retry: true, retryAfterMs: waitMs };
}

/** Whether another try may succeed. An unexpected 2xx is treated like a body that doesn't fit. */
function mayMend(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500 || status < 300;
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 100) / 10} s`;
}
