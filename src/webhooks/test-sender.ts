import type { AttemptReport } from '../core/webhook-event.js';
import type { WebhookTerms } from '../core/webhook.schema.js';

/** Sends a `webhook.test` event, once, in the way in which events are sent. */
export abstract class TestSender {
  abstract sendTest(terms: WebhookTerms): Promise<AttemptReport>;
}
