export type Role = 'all' | 'api' | 'worker';

export interface PostgresJournalOptions {
  readonly url: string;
  readonly role: Role;
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}
