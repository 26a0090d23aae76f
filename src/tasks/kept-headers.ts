import type { IncomingHttpHeaders } from 'node:http';
import { NO_HEADERS, type CallerHeaders } from '../core/caller-headers.js';
import { invalidRequest } from '../core/domain-error.js';
import type { RunOrigin } from '../core/run-origin.js';
import type { TaskDefinition } from '../core/task.js';

/** What the names and values of the headers that a run keeps may have in all, in bytes. */
const MAX_BYTES = 8_192;

/**
 * Parts of the names of headers that differ when a request is sent again: credentials, which are renewed, and what tells of the
 * caller’s program, of the trace, and of the way that the request took.
 */
const OF_ONE_TRY =
  /auth|cookie|token|secret|signature|password|key|trace|baggage|b3|span|request-id|correlation|forwarded|via|user-agent|-ip$|^date$/;

/** The cookie of a session at this service, which is as good as a key. */
const SESSION = /(?:^|[; ])(?:__Host-|__Secure-)?frontrunner=/;

/** Of the headers that a run keeps, those that are the same when its request is sent again; undefined without any. */
export function repeatedHeaders(kept: CallerHeaders = NO_HEADERS): CallerHeaders | undefined {
  const repeated = Object.entries(kept).filter(([name]) => !OF_ONE_TRY.test(name));
  return repeated.length > 0 ? Object.fromEntries(repeated) : undefined;
}

/**
 * The headers of a request that its task takes, but for those that have its key or its session for this service; undefined for a task that takes none.
 *
 * @throws {DomainError} `invalid-request` where they are too long
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
    // It says something of the caller's trace, and the run begins one of its own.
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
