import { isIP, type LookupFunction } from 'node:net';
import { isKnownPrivate, isPublic } from '../core/public-address.js';

/** The service refuses to connect to an address that is not on the public internet. */
export class ForbiddenAddress extends Error {
  constructor(hostname: string, addresses: readonly string[]) {
    const where = addresses.includes(hostname) ? '' : ` (${addresses.join(', ')})`;
    super(`${hostname}${where} is no public address; allowPrivate: true allows it`);
    this.name = 'ForbiddenAddress';
  }
}

/** Why a host is refused that is known to be private without a lookup; undefined for other hosts. */
export function hostMistake(hostname: string): string | undefined {
  if (!isKnownPrivate(hostname)) return undefined;
  return `${hostname} is no public address; write allowPrivate: true beside it if it is meant`;
}

/** A lookup that returns public addresses only. It fails with {@link ForbiddenAddress} when a name has only other addresses. */
export function publicLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      if (error) {
        callback(error, found, family);
        return;
      }
      const addresses =
        typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found;
      const usable = addresses.filter(({ address }) => isPublic(address));
      const [first] = usable;
      if (!first)
        callback(
          new ForbiddenAddress(
            hostname,
            addresses.map(({ address }) => address),
          ),
          [],
        );
      else if (options.all) callback(null, usable);
      else callback(null, first.address, first.family);
    });
  };
}
