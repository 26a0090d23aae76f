import pg from 'pg';
import { nameOf } from '../../core/database-name.js';
import { textOf } from '../../core/thrown.js';
import type { Damage } from '../damage-watch.js';
import { DatabaseError } from '../database-error.js';

/** Longest times for opening a connection, and for the answer to a statement, in milliseconds. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 10_000;
/**
 * When the server itself ends a reader's statement, in milliseconds. This is before the node gives up, so that no statement goes on at
 * the server.
 */
const STATEMENT_MS = 8_000;
/** How long the server keeps the transaction of a node that has gone silent, in milliseconds: others may wait for its locks. */
const SILENT_TRANSACTION_MS = 3_000;
/** How many connections readers share. */
const READERS = 10;
/** Longest time for a statement of a migration, in milliseconds: it may wait for other nodes, and rewrite tables. */
const MIGRATION_MS = 3_600_000;

/** Reads `bigint` as a number: ids and times stay far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (...asked: Parameters<typeof pg.types.getTypeParser>) =>
    asked[0] === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(...asked) as () => unknown),
};

/** Where the tables are: a schema of a database, which may have other schemas too. */
export interface PostgresAddress {
  readonly url: string;
  /** A plain identifier, which needs no quotes. */
  readonly schema: string;
}

/** The settings that all connections of a node share. */
export function connectionConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'frontrunner',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: ANSWER_MS,
    idle_in_transaction_session_timeout: SILENT_TRANSACTION_MS,
    keepAlive: true,
    types,
  };
}

/**
 * Sets the schema in which a session finds tables without a qualified name. This is a statement because poolers refuse startup parameters
 * that they don't know.
 */
export function searchPath({ schema }: PostgresAddress): string {
  return `SET search_path = "${schema}"`;
}

/** Connections for migrations. */
export function openMigratingPool(address: PostgresAddress): pg.Pool {
  return poolOf(address, { query_timeout: MIGRATION_MS }, MIGRATION_MS);
}

/** Connections for readers. A connection that breaks is silently replaced: its reader gets the error as the answer to its query. */
export function openPool(address: PostgresAddress): pg.Pool {
  return poolOf(address, { max: READERS }, STATEMENT_MS);
}

function poolOf(address: PostgresAddress, config: pg.PoolConfig, statementMs: number): pg.Pool {
  // With `pipeline`, a connection that doesn't answer is closed. Without it, the next reader would wait behind the one that got no
  // answer.
  const pool = new pg.Pool({ ...connectionConfig(address.url), ...config, pipeline: true });
  pool.on('error', () => undefined);
  // The pool itself listens only to idle connections. A connection in a transaction has moments without a query.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    // Runs before the query for which the connection was opened.
    client.query(`${searchPath(address)}; SET statement_timeout = ${statementMs}`).catch(() => undefined);
  });
  return pool;
}

/** Postgres' codes for damaged pages, and for pages that the disk can't read. */
const DAMAGE: Readonly<Record<string, string>> = {
  '58030': 'can’t read a page, or write it; look after its disk',
  XX001:
    'has a page that is not what it wrote; look after its disk, and restore a backup or go over to a standby',
  XX002:
    'has an index that is damaged; look after its disk, and REINDEX, restore a backup or go over to a standby',
};

const UNKNOWN_CA =
  'has a certificate of an authority that this machine doesn’t know; add sslrootcert=/path/of/ca.pem to DATABASE_URL';

/** Explanations by Postgres' codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) and Node's codes of the network. */
const explanations: Readonly<Record<string, string>> = {
  ...DAMAGE,
  '28P01': 'refuses the user or the password; correct them in DATABASE_URL',
  '28000': 'refuses the user; correct DATABASE_URL, or pg_hba.conf on the server',
  '3D000': 'doesn’t exist; create it, or set DATABASE_URL to one that does',
  '42501': 'doesn’t let the user create what the service needs; grant it CREATE on the database',
  '53300': 'has no connection left; raise its max_connections, or start fewer nodes',
  '53100': 'is on a full disk; make room',
  '25006': 'can only be read; set DATABASE_URL to the primary server',
  '57P03': 'is starting or stopping; wait for it',
  ECONNREFUSED: 'can’t be reached: nothing listens there; start it, or correct DATABASE_URL',
  ENOTFOUND: 'can’t be reached: there is no such host; correct DATABASE_URL',
  EAI_AGAIN: 'can’t be reached: its host’s name can’t be looked up now',
  EHOSTUNREACH: 'can’t be reached: there is no way to its host',
  ETIMEDOUT: 'can’t be reached: its host doesn’t answer',
  ECONNRESET: 'has ended the connection',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'has a certificate of another name than the host of DATABASE_URL; set that to the name in the certificate',
  CERT_HAS_EXPIRED: 'has a certificate that has expired; renew it on the server',
};

/** Explains why the database can't be used. An unknown `error` is returned unchanged. */
export function postgresError(url: string, error: unknown): unknown {
  if (error instanceof DatabaseError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const known =
    code === undefined ? ofMessage(message) : (explanations[code] ?? ofCode(error as SystemError));
  return known === undefined ? error : new DatabaseError(nameOf(url), known, error);
}

/** The driver's own errors have no code. */
function ofMessage(message: string): string | undefined {
  if (/does not support SSL/i.test(message))
    return 'takes no TLS; switch it on there, or take sslmode and the like out of DATABASE_URL';
  return /timeout/i.test(message) ? explanations.ETIMEDOUT : undefined;
}

/** Node gives a socket's place as `address`, and a file's as `path`. */
type SystemError = NodeJS.ErrnoException & { readonly address?: string };

function ofCode({ code, message, address, path, syscall }: SystemError): string | undefined {
  // pgbouncer's message, which has various codes.
  const [, parameter] = /unsupported startup parameter(?: in options)?: (\w+)/.exec(message) ?? [];
  if (parameter !== undefined)
    return `is behind a pooler that refuses ${parameter}; add it to the pooler’s ignore_startup_parameters, or set DATABASE_URL to the server itself`;
  if (code !== 'ENOENT' && code !== 'EACCES') return undefined;
  if (syscall === 'connect')
    return `can’t be reached: there is no socket ${address}, or none that this user may open; start it, or correct DATABASE_URL`;
  return `has a certificate or key in its URL that can’t be read, ${path}; correct DATABASE_URL`;
}

/** The damage that the server reports. The server compares each page that it reads with the page's checksum. */
export function postgresDamage(url: string, error: unknown): Damage | undefined {
  const { code = '', message } = error as { code?: string; message: string };
  if (!(code in DAMAGE)) return undefined;
  return { message: `${textOf(postgresError(url, error))} (${message})`, isCertain: false };
}

/** Whether an error says that the server took too long. The server may still be executing the statement. */
export function isSilence(error: unknown): boolean {
  return /timeout/i.test((error as Error).message);
}

/** Whether the problem may end by itself: the server is away, or not there yet. */
export function mayPass(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return ['57P03', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'].includes(code);
}
