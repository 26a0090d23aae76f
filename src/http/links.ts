import type { Application, Request } from 'express';

/** An acceptable host from a proxy: it gets into headers and bodies, so it must be short and have no character that ends a link. */
const HOST = /^(?=.{1,255}$)(\[[\da-f:.]+\]|[a-z\d._-]+)(:\d{1,5})?$/i;
const PREFIX = /^(?=.{1,200}$)(\/[\w.~-]+)+$/;

interface Options {
  /** PUBLIC_URL, without a slash at its end. */
  readonly publicUrl: string | null;
  /** TRUSTED_PROXIES, as Express takes them. */
  readonly proxies: readonly string[];
}

/** Decides the beginning of links: PUBLIC_URL, otherwise the headers of a trusted proxy, otherwise nothing. */
export function settleLinks(app: Application, { publicUrl, proxies }: Options): void {
  if (proxies.length > 0) app.set('trust proxy', [...proxies]);
  app.locals.linkBase = publicUrl ?? (proxies.length > 0 ? undefined : '');
}

/** The beginning of all links; undefined where each request decides. */
export function linkBase({ locals }: Application): string | undefined {
  return locals.linkBase as string | undefined;
}

/** The address of a path of the service, as the caller of a request reaches it. */
export function linkTo(request: Request, path: string): string {
  return (linkBase(request.app) ?? forwardedBase(request)) + path;
}

/** Whether a request comes from one of TRUSTED_PROXIES. */
export function comesFromProxy({ app, socket }: Request): boolean {
  const trusts = app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean;
  return trusts(socket.remoteAddress, 0);
}

/** A whole URL if the proxy names a host, otherwise a path: the caller knows the host. */
function forwardedBase(request: Request): string {
  if (!comesFromProxy(request)) return '';
  const { 'x-forwarded-host': hosts = '', 'x-forwarded-prefix': prefixes = '' } = request.headers;
  // Each proxy of a chain adds its prefix.
  const steps = String(prefixes).split(',');
  const joined = steps.map((step) => step.trim().replace(/\/$/, '')).join('');
  const prefix = PREFIX.test(joined) ? joined : '';
  const [host = ''] = String(hosts).split(',', 1);
  const { protocol } = request;
  return HOST.test(host.trim()) && /^https?$/.test(protocol)
    ? `${protocol}://${host.trim()}${prefix}`
    : prefix;
}
