import pg from 'pg';
import { DatabaseError } from '../database-error.js';

/** How long a connection may take to come about, and a statement to be answered, in milliseconds. */
const CONNECT_MS = 5_000;
const ANSWER_MS = 10_000;
/** How long the server keeps a transaction whose node says nothing any more: others may wait for its locks. */
const SILENT_TRANSACTION_MS = 3_000;
/** How many connections wait for readers. */
const READERS = 10;

/** Reads `bigint` as a number: ids and times stay far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (...asked: Parameters<typeof pg.types.getTypeParser>) =>
    asked[0] === pg.types.builtins.INT8 ? Number : (pg.types.getTypeParser(...asked) as () => unknown),
};

/** What all connections of a node have in common. */
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

/** Connections for whoever reads. One that breaks is replaced without a word: who uses it learns from what it asks. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ ...connectionConfig(url), max: READERS });
  pool.on('error', () => undefined);
  // The pool listens to those that nobody uses, and a transaction has moments in which it asks nothing.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/** The address of a database without its password, for people. */
export function nameOf(url: string): string {
  const { protocol, username, host, pathname } = new URL(url);
  return `${protocol}//${username && `${username}@`}${host}${pathname}`;
}

/** By Postgres' codes (https://www.postgresql.org/docs/current/errcodes-appendix.html) and Node's of the network. */
const explanations: Readonly<Record<string, string>> = {
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
};

/** Says what keeps the database from being used, where that is known; else gives `error` back as it is. */
export function postgresError(url: string, error: unknown): unknown {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const known = explanations[code] ?? (isSilence(message) ? explanations.ETIMEDOUT : undefined);
  return known === undefined ? error : new DatabaseError(nameOf(url), known, error);
}

function isSilence(message: string): boolean {
  return /timeout/i.test(message);
}

/** Whether trying again may help by itself: the server is away, or not there yet. */
export function mayPass(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return ['57P03', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND'].includes(code);
}
