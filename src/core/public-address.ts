import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Whether an address is on the public internet, which means that IANA reserves it for no special purpose. An address that
 * contains another address (IPv4-mapped, NAT64, 6to4, Teredo) is never public.
 */
export function isPublic(address: string): boolean {
  if (!isIP(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  // Of IPv6, only 2000::/3 is given out as unicast; the rest, such as ::127.0.0.1, is reserved.
  return parsed instanceof ipaddr.IPv4 || (parsed.parts[0] ?? 0) >> 13 === 1;
}

/** Names that resolvers never ask the network for (RFC 6761). */
const LOCALHOST = /(?:^|\.)localhost\.?$/;

/**
 * Whether a host is certainly not on the public internet, as far as can be told without a lookup.
 *
 * @param host as in a URL, but an IPv6 address without its brackets
 */
export function isKnownPrivate(host: string): boolean {
  return isIP(host) ? !isPublic(host) : LOCALHOST.test(host);
}
