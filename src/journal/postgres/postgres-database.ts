import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@nestjs/common';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { nameOf } from '../../core/database-name.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import { DatabaseError } from '../database-error.js';
import { checkServer } from './postgres-check.js';
import {
  mayPass,
  openMigratingPool,
  openPool,
  postgresError,
  type PostgresAddress,
} from './postgres-connection.js';
import { migrations, VERSION, type Schema } from './postgres-schema.js';
import { queueSchema } from './queues.js';

/** How long a start waits for a server that can't be reached yet, in milliseconds. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;
/** How often a start logs that it still waits, in milliseconds. */
const STILL_MS = 10_000;
const NO_CHECKSUMS =
  'keeps no checksums of its pages, so that damage on its disk is shown as truth; stop its server, and run pg_checksums --enable';
/** After how long a start logs that it waits for a migration, in milliseconds. */
const NOTICE_MS = 3_000;

/**
 * Opens the database and migrates its tables, one node at a time. Waits up to 30 s for a server that is still starting.
 *
 * @throws {DatabaseError} when the database can't be used
 */
export async function openDatabase(address: PostgresAddress): Promise<Kysely<Schema>> {
  const { url } = address;
  const logger = loggerOf('journal');
  const startedAt = performance.now();
  let notices = 0;
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(address) }) });
  for (;;) {
    try {
      const hasChecksums = await checkServer(url);
      await migrate(address, logger);
      if (!hasChecksums) logger.warn(`The database ${nameOf(url)} ${NO_CHECKSUMS}`);
      if (notices > 0) logger.log(`The database is there after ${inSeconds(performance.now() - startedAt)}`);
      return db;
    } catch (error) {
      const explained = postgresError(url, error);
      const waitedMs = performance.now() - startedAt;
      if (!mayPass(error) || waitedMs > PATIENCE_MS) {
        await db.destroy();
        throw explained;
      }
      if (waitedMs >= notices * STILL_MS) {
        const since = notices === 0 ? '' : ` since ${inSeconds(waitedMs)}`;
        logger.warn(
          `Waiting for the database${since}, up to ${inSeconds(PATIENCE_MS)}: ${textOf(explained)}`,
        );
        notices += 1;
      }
      await delay(RETRY_MS);
    }
  }
}

function inSeconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}

/** Has no time limit: other nodes may be migrating, or reading what a migration changes. */
async function migrate(address: PostgresAddress, logger: Logger): Promise<void> {
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openMigratingPool(address) }) });
  const notice = setTimeout(() => {
    logger.warn('The start waits until this node, or another one, has brought the tables up to date');
  }, NOTICE_MS);
  try {
    await migrateTables(address, db);
  } finally {
    clearTimeout(notice);
    await db.destroy();
  }
}

/** Kysely lets only one node migrate at a time, by an advisory lock, and runs all in one transaction. */
async function migrateTables(address: PostgresAddress, db: Kysely<Schema>): Promise<void> {
  await refuseOlder(address, db);
  if (await isNewer(address.url, db)) return;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: address.schema,
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  // A newer node may have migrated the tables meanwhile.
  if (!(await isNewer(address.url, db))) throw error as Error;
}

/** @throws {DatabaseError} for tables from before events were kept as rows of commits, which can't be migrated */
async function refuseOlder({ url, schema }: PostgresAddress, db: Kysely<Schema>): Promise<void> {
  const { rows: tables } = await sql<{ found: boolean }>`
    SELECT to_regclass('kysely_migration') IS NOT NULL AS found`.execute(db);
  if (!tables[0]?.found) return;
  const { rows } = await sql<{ oldest: string | null }>`
    SELECT min(name) AS oldest FROM kysely_migration`.execute(db);
  const oldest = rows[0]?.oldest ?? null;
  if (oldest === null || oldest in migrations) return;
  throw new DatabaseError(
    nameOf(url),
    `has tables of an earlier version (${oldest}), which this one can’t read; set DATABASE_SCHEMA to another name, or give up what is in it with DROP SCHEMA ${schema}, ${queueSchema(schema)} CASCADE`,
  );
}

/**
 * Whether a newer version of the service has migrated the tables further than this version knows.
 *
 * @throws {DatabaseError} when this version can't work with those tables any more
 */
async function isNewer(url: string, db: Kysely<Schema>): Promise<boolean> {
  const { rows: tables } = await sql<{ found: boolean }>`
    SELECT to_regclass('kysely_migration') IS NOT NULL
      AND to_regclass('compatibility') IS NOT NULL AS found`.execute(db);
  if (!tables[0]?.found) return false;
  const { rows } = await sql<{ minimum: number; newest: string }>`
    SELECT minimum, (SELECT max(name) FROM kysely_migration) AS newest
    FROM compatibility`.execute(db);
  const { minimum = 0, newest = '' } = rows[0] ?? {};
  if (minimum > VERSION)
    throw new DatabaseError(
      nameOf(url),
      `was migrated by a newer version (${newest}) and needs nodes of version ${minimum} of its tables at least, but this one knows version ${VERSION}; start that version of the service`,
    );
  return newest > (Object.keys(migrations).at(-1) ?? '');
}
