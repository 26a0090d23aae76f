import type { Config } from '../config/config.js';
import { AccessError } from './access-error.js';
import { CallerCounts } from './caller-counts.js';
import { exposureError, isLoopback } from './exposure.js';
import { HostNames } from './host-names.js';
import { KeyRing } from './key-ring.js';
import { exposureOfFile, readKeys, type KeyEntry } from './keys-file.js';
import { RateLimit, type Rate } from './rate-limit.js';

/** The rate of RATE_LIMIT=auto when other machines can call the service. */
const DEFAULT_RATE: Rate = { requests: 1000, windowMs: 60_000 };

/** Who may call the service, and how often. */
export interface Access {
  /** The API keys; undefined when callers need none. */
  readonly keys: KeyRing | undefined;
  readonly limit: RateLimit | undefined;
  /**
   * The host names under which the service may be called. Undefined when callers need a key, because pages of other origins don't have
   * one.
   */
  readonly hosts: HostNames | undefined;
  /** Warnings for the operator of the service. */
  readonly warnings: readonly string[];
}

type AccessConfig = Pick<
  Config,
  | 'HOST'
  | 'PUBLIC_URL'
  | 'TRUSTED_PROXIES'
  | 'ALLOWED_HOSTS'
  | 'API_KEYS_FILE'
  | 'ALLOW_ANONYMOUS'
  | 'RATE_LIMIT'
>;

/**
 * Determines who may call, before the service listens.
 *
 * @throws {AccessError} when anybody could call and nobody has allowed that, or when the keys can't be read
 */
export async function openAccess(config: AccessConfig): Promise<Access> {
  const { HOST: host, API_KEYS_FILE: file, ALLOW_ANONYMOUS: anonymous, PUBLIC_URL: url } = config;
  const proxied = config.TRUSTED_PROXIES.length > 0;
  const local = await isLoopback(host);
  if (file === null && !anonymous && !local) throw exposureError(host);
  const keys = file === null ? undefined : new KeyRing(keysOf(file));
  const rate = config.RATE_LIMIT === 'auto' ? (local && !proxied ? 'off' : DEFAULT_RATE) : config.RATE_LIMIT;
  const exposed = file === null ? undefined : exposureOfFile(file);
  const warnings = [
    ...(exposed === undefined ? [] : [exposed]),
    ...(keys && anonymous
      ? ['ALLOW_ANONYMOUS changes nothing: every caller needs a key of API_KEYS_FILE']
      : []),
    ...(!keys && !local
      ? [`Anybody who reaches ${host} may start and read runs: ALLOW_ANONYMOUS is true`]
      : []),
    ...(!keys && local && (proxied || url !== null)
      ? ['Anybody whom the proxy lets through may start and read runs: there are no API keys (API_KEYS_FILE)']
      : []),
  ];
  return {
    keys,
    limit: rate === 'off' ? undefined : new RateLimit(rate, new CallerCounts()),
    hosts: keys ? undefined : new HostNames(host, [...config.ALLOWED_HOSTS, ...hostsOf(url)]),
    warnings,
  };
}

function hostsOf(url: string | null): string[] {
  return url === null ? [] : [new URL(url).hostname];
}

/** The keys in a file, at least one. @throws {AccessError} */
export function keysOf(file: string): KeyEntry[] {
  const entries = readKeys(file);
  if (entries.length > 0) return entries;
  throw new AccessError(
    `API_KEYS_FILE ${file} has no keys; make one: frontrunner keys create <name> --scope runs:write --scope runs:read`,
  );
}
