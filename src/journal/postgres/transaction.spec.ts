import { describe, expect, test } from '@jest/globals';
import type { CallerTransaction } from '../../core/caller-transaction.js';
import { transactionOf } from './transaction.js';

const TEXT = 'SELECT $2 AS b, $1 AS a, $2 AS again';
const VALUES = [`it's \\ $2 ?`, 'b'];

describe('a transaction of a caller', () => {
  /** What a method is called with by somebody who has a statement with values. */
  const calls = async (method: string, result: unknown = { rows: [{ a: 1 }] }) => {
    const calls: unknown[][] = [];
    const call = (...args: unknown[]) => {
      calls.push(args);
      return Promise.resolve(result);
    };
    const given = Object.assign(() => undefined, { [method]: call }) as unknown as CallerTransaction;
    expect(await transactionOf(given)(TEXT, VALUES)).toEqual([{ a: 1 }]);
    return calls;
  };

  test('is a client of pg, or what TypeORM gives, by its query', async () => {
    expect(await calls('query')).toEqual([[TEXT, VALUES]]);
    expect(await calls('query', [{ a: 1 }])).toEqual([[TEXT, VALUES]]);
  });

  test('is Kysely’s by its executeQuery', async () => {
    expect(await calls('executeQuery')).toMatchObject([[{ sql: TEXT, parameters: VALUES }]]);
  });

  test('is Knex’s by its raw, which takes question marks', async () => {
    expect(await calls('raw')).toEqual([['SELECT ? AS b, ? AS a, ? AS again', ['b', VALUES[0], 'b']]]);
  });

  test('is Drizzle’s by its execute, which takes a text with the values in it', async () => {
    expect(await calls('execute')).toEqual([[`SELECT 'b' AS b,  E'it''s \\\\ $2 ?' AS a, 'b' AS again`]]);
  });

  test.each([undefined, null, 'BEGIN', {}, { query: {} }, Promise.resolve()])('is not %p', (given) => {
    expect(() => transactionOf(given as never)).toThrow(
      /^transaction takes a client of pg, .*, and not (undefined|null|string|a Object|a Promise)$/,
    );
  });

  test('resolves with rows', async () => {
    const given = { query: () => Promise.resolve({ rowCount: 1 }) };
    await expect(transactionOf(given)(TEXT, VALUES)).rejects.toThrow(/and not with rows$/);
  });
});
