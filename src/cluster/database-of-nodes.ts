import { UsageError, type Terminal } from '../command-line/command.js';
import { valueOf } from '../command-line/variable.js';
import type { PostgresAddress } from '../journal/postgres/postgres-connection.js';

/** The database and schema that nodes share. @throws {UsageError} when `DATABASE_URL` is not one of Postgres */
export function databaseOfNodes(env: Terminal['env']): PostgresAddress {
  const database = valueOf('DATABASE_URL', env);
  if (database.kind === 'postgres') return { url: database.url, schema: valueOf('DATABASE_SCHEMA', env) };
  throw new UsageError(
    `DATABASE_URL is ${database.kind === 'memory' ? 'memory:' : `sqlite:${database.path}`}, of one node alone; nodes, and the queue between them, are in a Postgres database: postgres://…`,
  );
}
