import type { PostgresAddress } from './postgres-connection.js';

export type Role = 'all' | 'api' | 'worker';

export interface PostgresJournalOptions extends PostgresAddress {
  readonly role: Role;
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}
