import type { WebhookEvent, WebhookEventKind } from '../core/webhook-event.js';
import { LISTENS_TO } from './on-run-event.decorator.js';

/**
 * Makes a method of a provider listen to events of webhooks, on the node that delivers to them. If the method throws or rejects, this is
 * logged with its name and the event; nothing else happens.
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
