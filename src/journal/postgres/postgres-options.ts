import type { Obstacle } from '../../run/journal.js';
import type { PostgresAddress } from './postgres-connection.js';

export type Role = 'all' | 'api' | 'worker';

export interface PostgresJournalOptions extends PostgresAddress {
  readonly role: Role;
  /** How long finished runs are kept, in milliseconds; 0 for ever. */
  readonly retentionMs: number;
  /** How long idempotency keys are kept, in milliseconds. */
  readonly keyRetentionMs: number;
}

/** When commits fail and this many bytes wait, the node gives its runs up to the others. */
export const MAX_HELD = 256 * 2 ** 20;
export const DRAINING: Obstacle = {
  code: 'overloaded',
  message: 'This node is drained: it takes no new runs; send them to another one',
};
