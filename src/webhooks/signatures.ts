import { Inject, Injectable } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { CONFIG, type Config } from '../config/config.js';
import { Seal, SealError } from '../core/seal.js';
import type { SealedSecret } from '../core/webhook.schema.js';
import { UnsentError } from './message.js';

/** How many opened secrets are kept. */
const MOST_OPEN = 2_000;

/** Signs deliveries as Standard Webhooks specifies. Opened secrets are kept, because opening one takes longer than signing. */
@Injectable()
export class Signatures {
  private readonly open = new Map<string, Webhook>();
  /** For webhooks that have no secret of their own. */
  private readonly ofService: readonly Webhook[];

  constructor(
    private readonly seal: Seal,
    @Inject(CONFIG) { WEBHOOK_SECRET: secrets }: Pick<Config, 'WEBHOOK_SECRET'>,
  ) {
    this.ofService = secrets.map((secret) => new Webhook(secret));
  }

  /**
   * The signature headers of a request, with one signature for each valid secret.
   *
   * @param now in milliseconds since 1970
   * @throws {UnsentError} `sealed`
   */
  headers(secrets: readonly SealedSecret[], id: string, now: number, body: string): string[] {
    const signers = secrets.length === 0 ? this.ofService : this.signersOf(secrets, now);
    if (signers.length === 0)
      throw new UnsentError('sealed', 'It has no secret of its own, and WEBHOOK_SECRET is not set');
    const at = new Date(now);
    const signatures = signers.map((signer) => signer.sign(id, at, body));
    return [
      ...['webhook-id', id],
      ...['webhook-timestamp', String(Math.floor(now / 1000))],
      ...['webhook-signature', signatures.join(' ')],
    ];
  }

  private signersOf(secrets: readonly SealedSecret[], now: number): Webhook[] {
    return secrets
      .filter(({ until = Infinity }) => until > now)
      .map(({ sealed }) => this.open.get(sealed) ?? this.opened(sealed));
  }

  private opened(sealed: string): Webhook {
    try {
      const signer = new Webhook(this.seal.open(sealed));
      if (this.open.size >= MOST_OPEN) this.open.clear();
      this.open.set(sealed, signer);
      return signer;
    } catch (error) {
      throw error instanceof SealError ? new UnsentError('sealed', error.message) : error;
    }
  }
}
