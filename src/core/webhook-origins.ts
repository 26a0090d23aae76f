import { isKnownPrivate } from './public-address.js';

/** Where callers may have events sent. */
export interface WebhookOrigins {
  /** Whether https to any address on the public internet is among them. */
  readonly isPublic: boolean;
  /** Those that may be http, and have any address. */
  readonly origins: readonly string[];
}

/** Whether the origin of a URL is named, so that its address may be a private one. */
export function isListed(url: string, { origins }: WebhookOrigins): boolean {
  return origins.includes(new URL(url).origin);
}

/**
 * Why callers may not have events sent to a URL; undefined where they may, as far as can be told without a lookup of its host.
 *
 * @param url an http or https URL
 */
export function webhookUrlMistake(url: string, allowed: WebhookOrigins): string | undefined {
  if (isListed(url, allowed)) return undefined;
  const { origin, protocol, hostname } = new URL(url);
  const mend = `whoever runs the service may allow it: WEBHOOK_ORIGINS=${origin}`;
  if (!allowed.isPublic) return `has an origin that events may not be sent to; ${mend}`;
  if (protocol !== 'https:') return `takes https; ${mend}`;
  return isKnownPrivate(hostname.replaceAll(/[[\]]/g, ''))
    ? `has a host that is not on the public internet; ${mend}`
    : undefined;
}
