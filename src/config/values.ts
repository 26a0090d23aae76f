import { isIP } from 'node:net';
import bytes from 'bytes';
import ms from 'ms';
import { z } from 'zod';
import type { CorsOrigins } from '../http/cors.js';
import { LOG_KINDS, LOG_LEVELS, type LogKind, type LogLevel, type LogLevels } from '../core/log-kinds.js';
import { durationSchema, milliseconds } from '../core/duration.js';
import { proxyUrl } from '../core/proxy-url.js';
import { webhookSecretSchema } from '../core/webhook.schema.js';
import type { WebhookOrigins } from '../core/webhook-origins.js';

/** A whole number, in digits. */
export const count = (least: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= least);
export const port = count(0).refine((value) => value <= 65_535);

/** A number of bytes, at most 100 MB. */
export const size = z
  .string()
  .regex(/^\d+(\.\d+)?\s*(b|kb|mb)?$/i)
  .transform((text) => bytes.parse(text) ?? 0)
  .refine((value) => value > 0 && value <= 100 * 2 ** 20);
export const SIZE_FORM = 'a size such as 512b, 100kb or 1mb, at most 100mb';

/** A number of bytes, at least 16 MB. */
export const memorySize = z
  .string()
  .regex(/^\d{1,6}(\.\d+)?\s*(mb|gb)$/i)
  .transform((text) => bytes.parse(text) ?? 0)
  .refine((value) => value >= 16 * 2 ** 20);

const LONGEST_RETENTION_MS = ms('100y');

/** Milliseconds, for up to a hundred years. */
export const retention = z
  .string()
  .regex(/^\d{1,5}(\.\d+)? ?[a-z]+$/i)
  .transform((text) => ms(text as ms.StringValue))
  .refine((value) => value > 0 && value <= LONGEST_RETENTION_MS);

/** Where runs are kept. */
type Database =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

export function parseDatabaseUrl(url: string): Database | undefined {
  if (url === 'memory:') return { kind: 'memory' };
  if (/^postgres(ql)?:/.test(url)) return isPostgresUrl(url) ? { kind: 'postgres', url } : undefined;
  const [, path] = /^sqlite:([^:?#][^?#]*)$/.exec(url) ?? [];
  return path === undefined || /[\0/]$/.test(path) ? undefined : { kind: 'sqlite', path };
}

/** Whether a URL has a host, also among the parameters, and the name of a database. */
function isPostgresUrl(text: string): boolean {
  // Several hosts are refused later, with a message that says how to mend it. A user without a host is for a Unix socket.
  const url = URL.parse(text.replace(/,[^/?]*/, '').replace(/\/\/[^/?@]*@\//, '///'));
  return url !== null && (url.hostname !== '' || url.searchParams.has('host')) && url.pathname.length > 1;
}

/** The URL of a proxy; null for none. */
export const proxy = z
  .string()
  .transform((text) => (text === 'none' ? null : proxyUrl(text)))
  .refine((url) => url !== undefined);

/** Names that need no quotes, and that neither Postgres, nor other programs, nor the queue of another Frontrunner may use. */
export const SCHEMA_NAME = /^(?!pg_|public$|information_schema$)(?!.*_queue$)[a-z_][a-z0-9_]{0,39}$/;
export const SCHEMA_FORM =
  'a plain name of a schema: up to 40 small letters, digits and _, no digit first, not public, nor with pg_ first or _queue last';

/** Parses how many requests a caller has in a window of whole seconds, such as `1000/1m`; undefined when malformed. */
export function parseRate(
  text: string,
): { readonly requests: number; readonly windowMs: number } | undefined {
  const [, requests, duration] = /^(\d{1,9})\/(.{1,20})$/.exec(text) ?? [];
  const window = durationSchema.safeParse(duration);
  if (!window.success || Number(requests) < 1) return undefined;
  const windowMs = milliseconds(window.data);
  return windowMs > 0 && windowMs % 1000 === 0 ? { requests: Number(requests), windowMs } : undefined;
}

/** Origins as browsers write them: a scheme and a host, with its port unless it is the scheme's own. */
export function parseOrigins(text: string): CorsOrigins | undefined {
  if (text === 'off') return [];
  if (text === '*') return '*';
  const origins = text.split(',').map((origin) => origin.trim());
  return origins.every((origin) => /^https?:/.test(origin) && URL.parse(origin)?.origin === origin)
    ? origins
    : undefined;
}

/** A URL without a query, and without a slash at its end. */
export function parsePublicUrl(text: string): string | null | undefined {
  if (text === 'none') return null;
  const url = /^https?:\/\/[^?#@\s]+$/.test(text) ? URL.parse(text) : null;
  return url?.href.replace(/\/+$/, '');
}

/** Kinds of log lines and their levels. */
export function parseLogLevels(text: string): LogLevels | undefined {
  if (text === 'none') return {};
  const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
  const isPair = (pair: readonly string[]): pair is [LogKind, LogLevel] =>
    pair.length === 2 &&
    LOG_KINDS.some((kind) => kind === pair[0]) &&
    LOG_LEVELS.some((level) => level === pair[1]);
  return pairs.every(isPair) ? Object.fromEntries(pairs) : undefined;
}

/** Paths of files or folders, separated by commas. */
export function parsePaths(text: string): readonly string[] | undefined {
  if (text === 'none') return [];
  const paths = text.split(',').map((path) => path.trim());
  return paths.includes('') ? undefined : paths;
}

/** Addresses, networks and names of networks, as `trust proxy` of Express takes them. */
export function parseProxies(text: string): readonly string[] | undefined {
  if (text === 'none') return [];
  const proxies = text.split(',').map((proxy) => proxy.trim());
  return proxies.every(isProxy) ? proxies : undefined;
}

function isProxy(text: string): boolean {
  if (/^(loopback|linklocal|uniquelocal)$/.test(text)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return (
    version !== 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= (version === 6 ? 128 : 32)))
  );
}

/** Host names as they stand in a URL; addresses of version 6 in brackets. */
export function parseHosts(text: string): readonly string[] | undefined {
  if (text === 'none') return [];
  const hosts = text.split(',').map((host) => host.trim().toLowerCase());
  return hosts.every((host) => /^[^*]+$/.test(host) && URL.parse(`http://${host}`)?.hostname === host)
    ? hosts
    : undefined;
}

/** Keys for secrets, 32 bytes each. The first key encrypts. */
export function parseSecretsKeys(text: string): readonly Buffer[] | undefined {
  if (text === 'none') return [];
  const keys = text.split(',').map((key) => key.trim());
  if (!keys.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key))) return undefined;
  return keys.map((key) => Buffer.from(key, 'base64'));
}

export function parseWebhookSecrets(text: string): readonly string[] | undefined {
  if (text === 'none') return [];
  const secrets = text.split(',').map((secret) => secret.trim());
  return secrets.every((secret) => webhookSecretSchema.safeParse(secret).success) ? secrets : undefined;
}

export function parseWebhookOrigins(text: string): WebhookOrigins | undefined {
  const names = text.split(',').map((name) => name.trim());
  const origins = parseOrigins(names.filter((name) => name !== 'public').join());
  const isPublic = names.includes('public');
  if (isPublic && names.length === 1) return { isPublic, origins: [] };
  return Array.isArray(origins) && origins.length > 0 ? { isPublic, origins } : undefined;
}
