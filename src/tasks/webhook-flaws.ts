import type { WebhookMeans } from '../core/webhook-means.js';
import { webhookUrlMistake } from '../core/webhook-origins.js';

export interface WebhookFlaw {
  readonly member: 'url' | 'secret';
  readonly detail: string;
}

type Named = Readonly<{ url: string; secret?: unknown; allowPrivate?: boolean }>;

/** Why the service can't send events to a webhook that a caller names: one flaw for each wrong member. */
export function webhookFlaws({ url, secret }: Named, means: WebhookMeans): WebhookFlaw[] {
  const ofUrl = webhookUrlMistake(url, means.origins);
  const ofSecret = secretFlaw(secret !== undefined, means);
  return [
    ...(ofUrl === undefined ? [] : [{ member: 'url' as const, detail: ofUrl }]),
    ...(ofSecret === undefined ? [] : [{ member: 'secret' as const, detail: ofSecret }]),
  ];
}

/** The flaws of a webhook that a task declares. */
export function declarationFlaws(webhook: Named, means: WebhookMeans): WebhookFlaw[] {
  return webhookFlaws(webhook, means).flatMap((flaw) => {
    if (flaw.member !== 'url') return [flaw];
    return webhook.allowPrivate
      ? []
      : [{ ...flaw, detail: `${flaw.detail}, or write allowPrivate: true beside it if it is meant` }];
  });
}

function secretFlaw(hasSecret: boolean, { canSign, canSeal }: WebhookMeans): string | undefined {
  if (hasSecret && !canSeal)
    return `can’t be kept: the service has no key to encrypt it with; set SECRETS_KEY${canSign ? ', or leave it out: the service has a secret of its own' : ''}`;
  if (hasSecret || canSign) return undefined;
  return 'is missing, and the service has none of its own to sign with; give it one, or set WEBHOOK_SECRET';
}
