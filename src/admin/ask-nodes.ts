import type { ClusterOperations } from '../cluster/operations.js';
import { DomainError } from '../core/domain-error.js';
import { textOf } from '../core/thrown.js';

/**
 * Asks the nodes that share the journal something.
 *
 * @param cluster undefined where no other node shares it
 * @throws {DomainError} `postgres-needed`, `journal-unavailable`
 */
export async function askNodes<T>(
  cluster: ClusterOperations | undefined,
  what: (cluster: ClusterOperations) => Promise<T>,
): Promise<T> {
  if (!cluster)
    throw new DomainError(
      'postgres-needed',
      'No other node shares the journal: DATABASE_URL is not one of Postgres',
    );
  try {
    return await what(cluster);
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw new DomainError('journal-unavailable', `The nodes’ database can’t be asked: ${textOf(error)}`);
  }
}
