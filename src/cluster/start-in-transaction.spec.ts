import { describe, expect, test } from '@jest/globals';
import { createRuntime } from '../../test/support/runtime.js';
import type { PostgresJournal } from '../journal/postgres/postgres-journal.js';
import type { Journal } from '../run/journal.js';
import type { TaskRegistry } from '../tasks/task-registry.js';
import { StartInTransaction } from './start-in-transaction.js';

describe('a start in a transaction', () => {
  const { task, journal, runs, bus, webhooks } = createRuntime([{ name: 'charge', run: () => undefined }]);
  /** One that nothing must be asked of. */
  const transaction = { query: () => Promise.reject(new Error('asked')) };
  const start = (where: Journal, changed: Partial<typeof task> = {}, key?: string) => {
    const registry = { get: () => ({ ...task, ...changed }) } as Partial<TaskRegistry> as TaskRegistry;
    return new StartInTransaction(registry, runs, where, bus, webhooks).start(
      'task',
      { input: { card: 1 } },
      {},
      transaction,
      key,
    );
  };
  const ofRole = (role: string) => ({ sharing: {}, options: { role } }) as unknown as PostgresJournal;

  test('is refused where the journal isn’t in Postgres', async () => {
    await expect(start(journal)).rejects.toMatchObject({
      code: 'transaction-unusable',
      message: expect.stringMatching(/set the database to postgres:\/\//),
    });
  });

  test('is refused for a task that keeps some of the input out of the journal', async () => {
    const redaction = { input: [['card']], result: [] };
    await expect(start(ofRole('all'), { redaction })).rejects.toMatchObject({
      code: 'transaction-unusable',
      message: expect.stringMatching(/\(keepInput, redact\)/),
    });
  });

  test('is refused with an idempotency key', async () => {
    await expect(start(ofRole('all'), {}, 'order-7')).rejects.toMatchObject({
      code: 'transaction-unusable',
      message: expect.stringMatching(/^transaction and idempotencyKey don’t go together; a unique column/),
    });
  });

  test('is refused by a node that takes work alone', async () => {
    await expect(start(ofRole('worker'))).rejects.toMatchObject({ code: 'worker-node' });
  });
});
