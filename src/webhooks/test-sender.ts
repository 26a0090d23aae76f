import type { AttemptReport } from '../core/webhook-event.js';
import type { WebhookTerms } from '../core/webhook.schema.js';

/** Sends an event of the type `webhook.test`, as events are sent, once. */
export abstract class TestSender {
  abstract sendTest(terms: WebhookTerms): Promise<AttemptReport>;
}
