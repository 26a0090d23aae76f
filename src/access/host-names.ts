import { isIP } from 'node:net';
import { isLoopbackAddress } from './exposure.js';

/** How many valid `Host` headers are remembered: a name may come with any port. */
const MAX_KNOWN = 100;

/**
 * The names by which callers may reach the service. A web page can make its own name resolve to this machine (DNS rebinding). Its
 * requests are then same-origin, so it could read every answer. But they carry the page's name in `Host`.
 */
export class HostNames {
  private readonly known = new Set<string>();
  private readonly allowed: ReadonlySet<string | undefined>;
  /** Whether the service listens on every address of the machine. Any IP address is then valid as a host: DNS rebinding needs a name. */
  private readonly onAnyAddress: boolean;

  /**
   * @param host the value of HOST
   * @param allowed the value of ALLOWED_HOSTS
   */
  constructor(host: string, allowed: readonly string[]) {
    const own = nameOf(isIP(host) === 6 ? `[${host}]` : host);
    this.allowed = new Set([own, ...allowed]);
    this.onAnyAddress = own === '0.0.0.0' || own === '[::]';
  }

  /** Whether a `Host` header has a valid name, with any port. */
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

/** The name in a `Host` header, as URLs normalise it; undefined for an invalid header. */
function nameOf(header: string): string | undefined {
  if (/[\s/?#@\\]/.test(header)) return undefined;
  return URL.parse(`http://${header}`)?.hostname.replace(/\.$/, '');
}
