import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../support/embedded-postgres.ts';
import { postgresServer, temporaryDatabase } from '../support/postgres-database.js';
import { offerPostgres, withdrawPostgres } from '../support/shared-postgres.ts';

let forgotten: { url: string; clients: Client[] } | undefined;

// That of temporaryDatabase, which was there before, has run by then.
afterAll(async () => {
  const { url, clients } = forgotten!;
  await expect(connect(url)).rejects.toThrow(/^database "frontrunner_\w+" does not exist$/);
  for (const client of clients) await client.end();
});

async function connect(url: string): Promise<Client> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

describe('a temporary database', () => {
  test('is empty, and shares nothing with another', async () => {
    const url = await temporaryDatabase();
    const clients = [await connect(url), await connect(await temporaryDatabase())];
    forgotten = { url, clients };
    for (const client of clients) {
      await client.query('CREATE TABLE things AS SELECT 1 AS thing');
      const { rowCount } = await client.query('SELECT * FROM things');
      expect(rowCount).toBe(1);
    }
  });
});

describe('the Postgres of a test run', () => {
  beforeEach(() => {
    jest.replaceProperty(process, 'env', { PATH: process.env.PATH });
  });
  afterEach(async () => {
    await withdrawPostgres();
    jest.restoreAllMocks();
  });

  test('starts for the first to ask, is the same for the next, and ends with the run', async () => {
    const start = jest.spyOn(EmbeddedPostgres, 'start');
    await offerPostgres();
    expect(start).not.toHaveBeenCalled();
    const [url, another] = await Promise.all([postgresServer(), postgresServer()]);
    expect(another).toBe(url);
    const client = await connect(url);
    const { rows } = await client.query(`SELECT current_setting('fsync') AS fsync`);
    await client.end();
    expect(rows).toEqual([{ fsync: 'off' }]);
    await withdrawPostgres();
    await expect(connect(url)).rejects.toThrow('ECONNREFUSED');
  });

  test('tells those who ask why there is none', async () => {
    jest.spyOn(EmbeddedPostgres, 'start').mockRejectedValue(new Error('no space left'));
    await offerPostgres();
    await expect(temporaryDatabase()).rejects.toThrow('no space left');
  });

  test('is the one that TEST_DATABASE_URL names', async () => {
    process.env.TEST_DATABASE_URL = 'postgres://somewhere/else';
    await offerPostgres();
    expect(process.env).not.toHaveProperty('TEST_DATABASE_OFFER');
    expect(await postgresServer()).toBe('postgres://somewhere/else');
  });
});
