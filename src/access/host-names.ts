import { isIP } from 'node:net';
import { isLoopbackAddress } from './exposure.js';

/** How many `Host` headers are remembered as good: a name may come with any port. */
const MAX_KNOWN = 100;

/**
 * The names by which callers reach the service. A web page can make a name of its own lead to this machine (DNS rebinding): its
 * requests are then of one origin with the service and may read every answer, but carry that name.
 */
export class HostNames {
  private readonly known = new Set<string>();
  private readonly allowed: ReadonlySet<string | undefined>;
  /** Whether the service listens on every address of the machine: no name leads to a page that was called by an address. */
  private readonly onAnyAddress: boolean;

  /** @param host HOST @param allowed ALLOWED_HOSTS */
  constructor(host: string, allowed: readonly string[]) {
    const own = nameOf(isIP(host) === 6 ? `[${host}]` : host);
    this.allowed = new Set([own, ...allowed]);
    this.onAnyAddress = own === '0.0.0.0' || own === '[::]';
  }

  /** Whether a `Host` header has one of them, whatever the port. */
  has(header: string): boolean {
    if (this.known.has(header)) return true;
    const name = nameOf(header);
    if (name === undefined || !this.isOwn(name)) return false;
    if (this.known.size < MAX_KNOWN) this.known.add(header);
    return true;
  }

  private isOwn(name: string): boolean {
    if (this.allowed.has(name) || name === 'localhost' || name.endsWith('.localhost')) return true;
    const address = name.replace(/^\[(.*)\]$/, '$1');
    return isIP(address) !== 0 && (this.onAnyAddress || isLoopbackAddress(address));
  }
}

/** The name in a `Host` header, as URLs have it; undefined when there is none. */
function nameOf(header: string): string | undefined {
  if (/[\s/?#@\\]/.test(header)) return undefined;
  return URL.parse(`http://${header}`)?.hostname.replace(/\.$/, '');
}
