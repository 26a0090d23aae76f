import { MisdirectedException } from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import { DomainError } from '../core/domain-error.js';
import { comesFromProxy } from '../http/links.js';
import type { Operations } from '../http/operations.js';
import type { HostNames } from './host-names.js';
import { isOpenToAll } from './open-paths.js';
import { WRITES } from './scope.js';

/** Refuses requests under a name that isn't the service's. Requests for health are let through, because probes use any name. */
export function requireHost(hosts: HostNames): RequestHandler {
  return (request, _response, next) => {
    const name = foreignName(request, hosts);
    if (name !== undefined && !isOpenToAll(request.path))
      throw new MisdirectedException(
        `The service is not known as ${name}; if it should be, add the name to ALLOWED_HOSTS, or give callers keys (API_KEYS_FILE)`,
      );
    next();
  };
}

/** The name of another host by which the caller, or a trusted proxy's caller, has addressed the service; undefined for valid names. */
function foreignName(request: Request, hosts: HostNames): string | undefined {
  const { host, 'x-forwarded-host': forwarded } = request.headers;
  if (host !== undefined && !hosts.has(host)) return host;
  if (forwarded === undefined || !comesFromProxy(request)) return undefined;
  const names = String(forwarded).split(',');
  return names.map((name) => name.trim()).find((name) => !hosts.has(name));
}

/**
 * Refuses requests of pages of other origins that would start or change something. Browsers send such requests without asking first, but
 * say where each comes from. Programs other than browsers don't say that, and are let through.
 *
 * @param origins the origins whose pages are allowed
 * @param setting the variable that names these origins
 */
export function refuseForeignPages(
  operations: Operations,
  origins: readonly string[],
  setting: string,
): RequestHandler {
  const listed = new Set(origins);
  return (request, _response, next) => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (
      (origin !== undefined || site !== undefined) &&
      isForeign(request, listed) &&
      writes(request, operations)
    )
      throw foreignPage(request, `start or change runs; ${setting} names those that may`);
    next();
  };
}

const NO_ORIGINS: ReadonlySet<string> = new Set();

/** Whether a request comes from a page of another origin, according to the browser. Origins in CORS_ORIGINS count too. */
export function isOfForeignPage(request: Request): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  return (origin !== undefined || site !== undefined) && isForeign(request, NO_ORIGINS);
}

/** @throws {DomainError} `foreign-page` */
export function requireOwnPage(request: Request): void {
  if (isOfForeignPage(request))
    throw foreignPage(request, 'sign anybody in or out, or use their session; use a key');
}

function foreignPage({ headers: { origin } }: Request, what: string): DomainError {
  const page = origin === undefined ? 'A page of another origin' : `A page of ${origin}`;
  return new DomainError('foreign-page', `${page} may not ${what}`);
}

/** `Sec-Fetch-Site` is set only by the browser, and stays valid behind a proxy that changes `Host`. Not all browsers send it. */
function isForeign(request: Request, listed: ReadonlySet<string>): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (site === 'same-origin' || site === 'none') return false;
  if (origin !== undefined && listed.has(origin)) return false;
  // Express knows by which host a trusted proxy was called.
  const { host } = request;
  return site !== undefined || (origin !== `http://${host}` && origin !== `https://${host}`);
}

function writes(request: Request, operations: Operations): boolean {
  return (
    !/^(GET|HEAD|OPTIONS)$/.test(request.method) || operations.find(request)?.scopes.includes(WRITES) === true
  );
}
