import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { AccessError } from './access-error.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach an address. */
export function isLoopbackAddress(address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

type Resolve = (host: string, options: { all: true }) => Promise<{ address: string; family: number }[]>;

/**
 * Whether only this machine can reach a HOST. For a name, this must hold for all its addresses. A name that can't be resolved counts as
 * reachable by others.
 */
export async function isLoopback(host: string, resolve: Resolve = lookup): Promise<boolean> {
  try {
    const addresses = await resolve(host, { all: true });
    return addresses.length > 0 && addresses.every(({ address }) => isLoopbackAddress(address));
  } catch {
    return false;
  }
}

/** The error for a service that others could reach while no keys are needed. */
export function exposureError(host: string): AccessError {
  return new AccessError(`HOST is ${host}, which others than this machine may reach, and there are no API keys. Either
  make a key:                frontrunner keys create <name> --scope runs:write --scope runs:read --file keys.json
  and name their file:       API_KEYS_FILE=keys.json
or let anybody who reaches it start and read runs:
                             ALLOW_ANONYMOUS=true
or listen to this machine:   HOST=127.0.0.1`);
}
