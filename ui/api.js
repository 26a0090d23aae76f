import { urlOf } from './address.js';
import { jsonText, parseJson } from './json.js';
import { requireSession } from './session.js';

/** What the service answered when it refused a request (RFC 9457). */
export class Problem extends Error {
  /** @param {{ status: number, title?: string, detail?: string, type?: string, errors?: { detail: string, pointer?: string, parameter?: string, header?: string }[] }} problem */
  constructor(problem) {
    super(problem.detail ?? problem.title ?? `The service answered ${problem.status}`);
    this.status = problem.status;
    this.title = problem.title;
    /** The kind of problem, such as `overloaded`. */
    this.kind = problem.type?.split('/').at(-1);
    this.errors = problem.errors ?? [];
  }
}

/** Whether asking again brings nothing else: not so where the service is busy, or whatever stands before it can't reach it. @param {unknown} error */
export function isRefusal(error) {
  return error instanceof Problem && error.status < 500 && error.status !== 429;
}

/** So far may the clocks be from each other before it shows: answers tell the time in whole seconds. */
const SKEW_MS = 1_500;
let skewMs = 0;

/** The time at the service, in milliseconds: the clock of the browser may be wrong. */
export function serverNow() {
  return Date.now() - skewMs;
}

/** @param {string | null} date of an answer */
function compareClocks(date) {
  const skew = date === null ? 0 : Date.now() - Date.parse(date) - 500;
  skewMs = Math.abs(skew) > SKEW_MS ? skew : 0;
}

/**
 * Asks the service for JSON.
 *
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<any>} the body; undefined where there is none
 * @throws {Problem} what the service refused; a TypeError where it can't be reached
 */
export async function ask(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const response = await fetch(urlOf(path), {
    method,
    headers: {
      Accept: 'application/json, application/problem+json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : jsonText(body) }),
    ...(signal && { signal }),
  });
  compareClocks(response.headers.get('Date'));
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '');
  const value = isJson && text !== '' ? parseJson(text) : undefined;
  if (response.ok) return value;
  if (response.status === 401) await requireSession();
  throw new Problem({ status: response.status, ...value });
}
