import type { StoreOptions } from './sqlite-database.js';

export interface SqliteJournalOptions {
  readonly path: string;
  readonly durability: StoreOptions['durability'];
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}
