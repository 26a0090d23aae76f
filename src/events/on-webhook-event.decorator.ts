import type { WebhookEvent, WebhookEventKind } from '../core/webhook-event.js';
import { LISTENS_TO } from './on-run-event.decorator.js';

/**
 * Makes a method of a provider listen to what becomes of webhooks, on the node that delivers them. What it throws, or rejects with, is
 * logged with its name and the event, and goes no further.
 */
export function OnWebhookEvent<Kind extends WebhookEventKind>(...kinds: readonly [Kind, ...Kind[]]) {
  return <Listener extends (event: WebhookEvent<Kind>) => unknown>(
    _target: object,
    _key: string,
    { value }: TypedPropertyDescriptor<Listener>,
  ): void => {
    if (value) Reflect.defineMetadata(LISTENS_TO, kinds, value);
  };
}
