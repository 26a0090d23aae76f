import { createHash } from 'node:crypto';
import { stringify } from 'safe-stable-stringify';
import { NO_HEADERS, type CallerHeaders } from '../core/caller-headers.js';
import type { Coalescing } from '../core/coalescing.js';
import { clientName } from '../core/run-origin.js';
import type { RunTerms } from '../run/run-terms.js';
import type { RunRequest } from './tasks.schemas.js';

/** Headers that only identify a request or its trace, and so differ between equal requests. */
const OF_ONE_REQUEST =
  /^(?:traceparent|tracestate|baggage|b3|x-b3-.+|x-datadog-.+|uber-trace-id|x-amzn-trace-id|x-cloud-trace-context|(?:x-)?(?:request|correlation)-id)$/;

/**
 * The digest of all that requests must have in common to share a run: the task, the client unless the task shares runs between clients, the key, and
 * all other terms. The kept headers count too, except those of traces, because a credential among them decides what the caller may be told.
 *
 * @param request the request that the terms were made from
 * @returns undefined for a request that lacks a value that the key names
 */
export function equalityOf(
  terms: RunTerms,
  { input = null, webhooks }: RunRequest,
  { key, shared }: Coalescing,
): string | undefined {
  const { task, replyPolicy, losers, deadline, labels, origin, callerHeaders } = terms;
  const { clientId } = origin;
  const client = typeof clientId === 'string' ? clientName(clientId) : undefined;
  const own = key.of({ input, labels, client });
  if (own === undefined) return undefined;
  const asked = { replyPolicy, losers, deadline, labels, webhooks, headers: telling(callerHeaders) };
  const equal = { task, client: shared ? null : (clientId ?? ''), key: own, ...asked };
  return createHash('sha256').update(stringify(equal)).digest('base64url');
}

function telling(headers: CallerHeaders = NO_HEADERS): CallerHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_ONE_REQUEST.test(name)));
}
