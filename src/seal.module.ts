import { randomBytes } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { CONFIG, type Config } from './config/config.js';
import { Seal } from './core/seal.js';
import { WebhookMeans } from './core/webhook-means.js';

/** What secrets of webhooks are sealed with. Global, as the journal is: who keeps secrets and who opens them are in several folders. */
@Global()
@Module({
  providers: [
    {
      provide: Seal,
      inject: [CONFIG],
      useFactory: ({ SECRETS_KEY: keys, DATABASE_URL: { kind } }: Config): Seal =>
        // A journal in memory needs no key that outlives the process.
        new Seal(keys.length === 0 && kind === 'memory' ? [randomBytes(32)] : keys),
    },
    {
      provide: WebhookMeans,
      inject: [CONFIG, Seal],
      useFactory: ({ WEBHOOK_ORIGINS, WEBHOOK_SECRET }: Config, { canSeal }: Seal) =>
        new WebhookMeans(WEBHOOK_ORIGINS, WEBHOOK_SECRET.length > 0, canSeal),
    },
  ],
  exports: [Seal, WebhookMeans],
})
export class SealModule {}
