import type { WebhookOrigins } from './webhook-origins.js';

/** What a service has for webhooks. */
export class WebhookMeans {
  constructor(
    readonly origins: WebhookOrigins,
    /** Whether it has a secret of its own to sign with. */
    readonly canSign: boolean,
    readonly canSeal: boolean,
  ) {}
}
