import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The proxies from the environment, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY define them. */
export interface Proxies {
  readonly http: string | null;
  readonly https: string | null;
  /** Hosts that are called directly. */
  readonly except: readonly string[];
}

export const NO_PROXIES: Proxies = { http: null, https: null, except: [] };

/** The proxy from the environment for an origin; undefined if the origin is called directly. */
export function environmentProxy(origin: string, { http, https, except }: Proxies): string | undefined {
  const url = new URL(origin);
  const proxy = url.protocol === 'https:' ? https : http;
  return proxy === null || except.some((entry) => isExcepted(url, entry)) ? undefined : proxy;
}

/**
 * Interprets an entry as curl and Go do: a host with its subdomains, an address, a network such as 10.0.0.0/8, or `*`. All but a network
 * may have a port.
 */
function isExcepted({ hostname, port, protocol }: URL, entry: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  const [, name = '', entryPort] =
    /^(\*|\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  if (entryPort !== undefined && entryPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  if (name === '*') return true;
  if (isIP(host) && name.includes('/')) return isWithin(host, name);
  const suffix = name.replace(/^\[|\]$|\.$/g, '').replace(/^\*?\./, '');
  if (suffix === '') return false;
  return host.endsWith(`.${suffix}`) || (host === suffix && !name.startsWith('*'));
}

function isWithin(address: string, network: string): boolean {
  if (!ipaddr.isValidCIDR(network)) return false;
  const parsed = ipaddr.parse(address);
  const range = ipaddr.parseCIDR(network);
  return parsed.kind() === range[0].kind() && parsed.match(range);
}
