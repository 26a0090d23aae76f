import type { IncomingHttpHeaders } from 'node:http';
import { NO_HEADERS, type CallerHeaders } from '../core/caller-headers.js';
import { invalidRequest } from '../core/domain-error.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { TaskDefinition } from '../core/task.js';

/** Most bytes of the kept headers' names and values together. */
const MAX_BYTES = 8_192;

/**
 * Parts of names of headers that may differ when a request is sent again: credentials, which are renewed, and headers about the
 * caller’s program, the trace, and the request's route.
 */
const OF_ONE_TRY =
  /auth|cookie|token|secret|signature|password|key|trace|baggage|b3|span|request-id|correlation|forwarded|via|user-agent|-ip$|^date$/;

/** Matches a session cookie of this service, which gives the same access as a key. */
const SESSION = /(?:^|[; ])(?:__Host-|__Secure-)?frontrunner=/;

/** The kept headers that stay the same when a request is sent again; undefined where there are none. */
export function repeatedHeaders(kept: CallerHeaders = NO_HEADERS): CallerHeaders | undefined {
  const repeated = Object.entries(kept).filter(([name]) => !OF_ONE_TRY.test(name));
  return repeated.length > 0 ? Object.fromEntries(repeated) : undefined;
}

/**
 * The headers of a request that the run keeps: those that the task names, except headers that contain the caller's API key or session of this
 * service. Undefined for a task that names none.
 *
 * @throws {DomainError} `invalid-request` where the headers are too long
 */
export function keptHeaders(
  { name: task, callerHeaders }: TaskDefinition,
  sent: IncomingHttpHeaders,
  { keyHeader, traceparent }: RunOrigin,
): CallerHeaders | undefined {
  if (callerHeaders.length === 0) return undefined;
  const key = keyHeader && String(sent[keyHeader]).replace(/^\S+ +/, '');
  const kept: [string, string][] = [];
  let bytes = 0;
  for (const name of callerHeaders) {
    const value = Object.hasOwn(sent, name) ? sent[name] : undefined;
    if (typeof value !== 'string' || (key && value.includes(key))) continue;
    if (name === 'cookie' && SESSION.test(value)) continue;
    // `tracestate` belongs to the caller's trace. Without a `traceparent`, the run begins its own trace.
    if (name === 'tracestate' && !traceparent) continue;
    bytes += name.length + value.length;
    if (bytes > MAX_BYTES)
      throw invalidRequest([
        {
          header: name,
          detail: `makes the headers that the task ${task} keeps longer than ${MAX_BYTES} bytes`,
        },
      ]);
    kept.push([name, value]);
  }
  return Object.freeze(Object.fromEntries(kept));
}
