import { isKnownPrivate } from './public-address.js';

/** The addresses to which callers may have events sent. */
export interface WebhookOrigins {
  /** Whether any https address on the public internet is allowed. */
  readonly isPublic: boolean;
  /** Origins that are allowed although they use http or an address that isn't public. */
  readonly origins: readonly string[];
}

/** Whether `origins` names the origin of a URL, so that its address may be private. */
export function isListed(url: string, { origins }: WebhookOrigins): boolean {
  return origins.includes(new URL(url).origin);
}

/**
 * Why callers may not have events sent to a URL. Undefined where they may, as far as can be told without a lookup of the host.
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
