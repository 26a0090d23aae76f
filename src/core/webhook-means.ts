import type { WebhookOrigins } from './webhook-origins.js';

/** What a service can do with webhooks. */
export class WebhookMeans {
  constructor(
    readonly origins: WebhookOrigins,
    /** Whether the service has its own secret to sign with. */
    readonly canSign: boolean,
    readonly canSeal: boolean,
  ) {}
}
