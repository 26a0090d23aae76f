import { MisdirectedException } from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import { DomainError } from '../core/domain-error.js';
import type { Operations } from '../http/operations.js';
import { isOpenToAll } from './access-control.js';
import type { HostNames } from './host-names.js';
import { WRITES } from './scope.js';

/** Refuses requests that come by the name of somebody else, but for those about health: probes call by any name. */
export function requireHost(hosts: HostNames): RequestHandler {
  return (request, _response, next) => {
    const { host } = request.headers;
    if (host !== undefined && !hosts.has(host) && !isOpenToAll(request.path))
      throw new MisdirectedException(
        `The service is not known as ${host}; if it should be, add the name to ALLOWED_HOSTS, or give callers keys (API_KEYS_FILE)`,
      );
    next();
  };
}

/**
 * Refuses what web pages of other origins would start or change: browsers send such requests without asking first, and say
 * of each where it comes from. Programs that aren't browsers say nothing, and are let through.
 *
 * @param origins those whose pages may
 */
export function refuseForeignPages(operations: Operations, origins: readonly string[]): RequestHandler {
  const listed = new Set(origins);
  return (request, _response, next) => {
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (
      (origin !== undefined || site !== undefined) &&
      isForeign(request, listed) &&
      writes(request, operations)
    )
      throw new DomainError(
        'foreign-page',
        `${origin === undefined ? 'A page of another origin' : `A page of ${origin}`} may not start or change runs; CORS_ORIGINS names those that may`,
      );
    next();
  };
}

/** `Sec-Fetch-Site` comes from the browser alone, and stays true behind a proxy that changes `Host`; not all browsers send it. */
function isForeign({ headers }: Request, listed: ReadonlySet<string>): boolean {
  const { origin, host = '', 'sec-fetch-site': site } = headers;
  if (site === 'same-origin' || site === 'none') return false;
  if (origin !== undefined && listed.has(origin)) return false;
  return site !== undefined || (origin !== `http://${host}` && origin !== `https://${host}`);
}

function writes(request: Request, operations: Operations): boolean {
  return (
    !/^(GET|HEAD|OPTIONS)$/.test(request.method) || operations.find(request)?.scopes.includes(WRITES) === true
  );
}
