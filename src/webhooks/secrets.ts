import { randomBytes } from 'node:crypto';
import { milliseconds } from '../core/duration.js';
import type { Seal } from '../core/seal.js';
import type { SealedSecret, WebhookTerms } from '../core/webhook.schema.js';
import type { Rotation } from './webhooks.schemas.js';

/** A secret as Standard Webhooks has them. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/**
 * The secrets of a webhook with a new one in front, and the newest of before, which signs beside it for a while. With the newest one again they stay as they are.
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
  // One that nobody can open signs nothing.
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
