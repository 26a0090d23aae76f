import { randomBytes } from 'node:crypto';
import { milliseconds } from '../core/duration.js';
import type { Seal } from '../core/seal.js';
import type { SealedSecret, WebhookTerms } from '../core/webhook.schema.js';
import type { Rotation } from './webhooks.schemas.js';

/** A new secret in the form of Standard Webhooks. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/**
 * The secrets of a webhook after a rotation: the new one first, then the newest of the old ones, which also signs until the overlap is
 * over. If the new secret is the newest already, nothing changes.
 *
 * @param now in milliseconds since 1970
 */
export function rotated(
  { secrets }: Pick<WebhookTerms, 'secrets'>,
  { secret, overlap }: Required<Rotation>,
  seal: Seal,
  now: number,
): readonly SealedSecret[] {
  const [newest] = secrets;
  const known = newest && opened(newest, seal);
  if (known === secret) return secrets;
  const added = { sealed: seal.seal(secret) };
  const overlapMs = milliseconds(overlap);
  // A secret that can't be opened can't sign.
  if (!newest || known === undefined || overlapMs === 0) return [added];
  return [added, { sealed: newest.sealed, until: now + overlapMs }];
}

function opened({ sealed }: SealedSecret, seal: Seal): string | undefined {
  try {
    return seal.open(sealed);
  } catch {
    return undefined;
  }
}
