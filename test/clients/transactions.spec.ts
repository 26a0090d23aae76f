import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EmbeddedPostgres } from '../support/embedded-postgres.ts';
import { run } from './programs.js';

describe('transactions of libraries from npm', () => {
  let postgres: EmbeddedPostgres;
  beforeAll(async () => {
    postgres = await EmbeddedPostgres.start();
  });
  afterAll(() => postgres.stop());

  test('start runs with their commits, and none with their rollbacks or without a transaction', async () => {
    const stories = JSON.parse(await run('transactions.mjs', postgres.url)) as Record<string, unknown>;
    const story = ['First result', 'undone', 'run-unknown', 'transaction-unusable'];
    expect(stories).toEqual({
      pg: story,
      Kysely: story,
      Drizzle: story,
      TypeORM: story,
      'a QueryRunner of TypeORM': story,
      Knex: story,
    });
  });
});
