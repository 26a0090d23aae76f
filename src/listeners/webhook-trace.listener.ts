import { Inject, Injectable, Optional } from '@nestjs/common';
import type { WebhookEvent } from '../core/webhook-event.js';
import { OnWebhookEvent } from '../events/on-webhook-event.decorator.js';
import { traceDelivery } from '../tracing/delivery-trace.js';
import { Tracing } from '../tracing/tracing.js';

/** Makes a span of each attempt to deliver an event, where traces are on. */
@Injectable()
export class WebhookTraceListener {
  constructor(@Optional() @Inject(Tracing) private readonly tracing: Tracing | null = null) {}

  @OnWebhookEvent('webhook.delivered', 'webhook.failing')
  attempted(event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): void {
    if (this.tracing) traceDelivery(this.tracing.spans, event);
  }
}
