import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Whether an address is one of the public internet: what IANA has assigned to no special purpose. So no address that
 * carries another in it (IPv4-mapped, NAT64, 6to4, Teredo) is, whatever it carries.
 */
export function isPublic(address: string): boolean {
  if (!isIP(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  // Of IPv6, only 2000::/3 is given out as unicast; the rest, such as ::127.0.0.1, is reserved.
  return parsed instanceof ipaddr.IPv4 || (parsed.parts[0] ?? 0) >> 13 === 1;
}

/** What resolvers never ask the network for (RFC 6761). */
const LOCALHOST = /(?:^|\.)localhost\.?$/;

/**
 * Whether a host needs no lookup to be known as none of the public internet.
 *
 * @param host as a URL has it, but for the brackets of an address of version 6
 */
export function isKnownPrivate(host: string): boolean {
  return isIP(host) ? !isPublic(host) : LOCALHOST.test(host);
}
