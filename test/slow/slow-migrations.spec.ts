import { EventEmitter2 } from '@nestjs/event-emitter';
import { expect, test } from '@jest/globals';
import { Client } from 'pg';
import { EventBus } from '../../src/events/event-bus.js';
import { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import { temporaryDatabase } from '../support/postgres-database.js';

/** The lock of those who migrate, as Kysely has it. */
const MIGRATION_LOCK = '3853314791062309107';
/** Longer than a reader waits for an answer. */
const HELD_S = 12;

test('a start waits for another node that migrates, longer than a reader waits for an answer', async () => {
  const url = await temporaryDatabase();
  const other = new Client(url);
  await other.connect();
  await other.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`);
  const options = { url, schema: 'frontrunner', role: 'all', retentionMs: 0, keyRetentionMs: 1_000 } as const;
  const opened = PostgresJournal.open(options, new EventBus(new EventEmitter2()));
  await Promise.all([opened, other.query(`SELECT pg_sleep(${HELD_S})`).then(() => other.end())]);
  const journal = await opened;
  expect(journal.obstacle).toBeUndefined();
  await journal.close();
});
