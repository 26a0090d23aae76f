import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll } from '@jest/globals';
import { Client } from 'pg';

const names: string[] = [];
/** Each waits for a checkpoint, which those that are dropped at the same time share. */
const DROPPED_AT_ONCE = 10;

afterAll(async () => {
  while (names.length > 0) {
    const some = names.splice(0, DROPPED_AT_ONCE);
    await Promise.all(some.map((name) => executeThere([`DROP DATABASE ${name} WITH (FORCE)`])));
  }
  // A suite may have made a hundred of them.
}, 120_000);

/** The URL of an empty database that goes when the suite is over, whoever is connected to it. */
export async function temporaryDatabase(): Promise<string> {
  const name = `frontrunner_${randomUUID().replaceAll('-', '')}`;
  await executeThere([`CREATE DATABASE ${name} TEMPLATE template0`]);
  names.push(name);
  const url = new URL(await postgresServer());
  url.pathname = name;
  return url.href;
}

/** The URL of the server that the environment names, or else of that of this run: see shared-postgres.ts. */
export async function postgresServer(): Promise<string> {
  const { TEST_DATABASE_URL, TEST_DATABASE_OFFER } = process.env;
  if (TEST_DATABASE_URL !== undefined) return TEST_DATABASE_URL;
  const answer = await text(connect(Number(TEST_DATABASE_OFFER), '127.0.0.1'));
  if (!answer.startsWith('postgres:')) throw new Error(answer);
  return answer;
}

/** Executes statements one after the other. @param url of the database. Default: the server's own */
export async function executeThere(statements: readonly string[], url?: string): Promise<void> {
  const client = new Client(url ?? (await postgresServer()));
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
