import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { DatabaseError } from '../database-error.js';
import { nameOf } from '../../core/database-name.js';
import { connectionConfig } from './postgres-connection.js';

/** What a connection reports about itself and its server. */
interface Facts {
  readonly pid: number;
  /** The mark that a connection was given before; null without one. */
  readonly mark: string | null;
  readonly encoding: string;
  readonly standby: boolean;
  readonly readonly: string;
  readonly checksums: string;
}

const FACTS = `
  SELECT pg_backend_pid() AS pid, current_setting('frontrunner.mark', true) AS mark,
    current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby,
    current_setting('default_transaction_read_only') AS readonly, current_setting('data_checksums') AS checksums`;

const POOLED =
  'is behind a pooler that shares connections between transactions, which loses notifications and locks; set its pool_mode to session, or DATABASE_URL to the server itself';

/** Parameters of libpq's URLs that the driver would silently ignore, and what to do instead. */
const IGNORED: Readonly<Record<string, string>> = {
  target_session_attrs: 'take it out, and let DATABASE_URL name the primary server, or what leads to it',
  hostaddr: 'take it out, and let DATABASE_URL name that address as its host',
  passfile: 'take it out, and set the variable PGPASSFILE',
  service: 'take it out, and write out what it stands for',
  gssencmode: 'take it out: encryption is TLS',
  channel_binding: 'take it out',
  sslcrl: 'take it out: revoked certificates aren’t looked for',
};

/**
 * @returns whether the server keeps checksums of its pages
 * @throws {DatabaseError} for a server that nodes can't work with, and for a URL with settings that the driver doesn't support
 */
export async function checkServer(url: string): Promise<boolean> {
  const refuse = (why: string): never => {
    throw new DatabaseError(nameOf(url), why);
  };
  checkUrl(url, refuse);
  const one = new pg.Client(connectionConfig(url));
  const other = new pg.Client(connectionConfig(url));
  // The query under way fails by itself when its connection breaks.
  for (const client of [one, other]) client.on('error', () => undefined);
  try {
    await one.connect();
    const { pid, encoding, standby, readonly, checksums } = await factsOf(one);
    if (encoding !== 'UTF8')
      refuse(
        `keeps texts as ${encoding}, which lacks characters; set DATABASE_URL to one made with ENCODING 'UTF8'`,
      );
    if (standby) refuse('is on a standby, which can only be read; set DATABASE_URL to the primary server');
    if (readonly === 'on')
      refuse(
        'lets its user only read; set default_transaction_read_only to off for the user and the database',
      );
    const mark = randomUUID();
    await one.query(`SELECT set_config('frontrunner.mark', '${mark}', false)`);
    await other.connect();
    // A transaction keeps its connection, so a pooler has to give the first client another one.
    await other.query('BEGIN');
    const ofOther = await factsOf(other);
    if (ofOther.mark === mark || ofOther.pid === pid) refuse(POOLED);
    if ((await factsOf(one)).mark !== mark) refuse(POOLED);
    return checksums === 'on';
  } finally {
    await Promise.allSettled([one.end(), other.end()]);
  }
}

function checkUrl(url: string, refuse: (why: string) => never): void {
  const [, hosts = ''] = /^\w+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url) ?? [];
  const parameters = new URLSearchParams(url.split('?', 2)[1]);
  if (`${hosts}${parameters.get('host') ?? ''}`.includes(','))
    refuse(
      'has several hosts in its URL, of which the driver takes one; name the primary server, or what leads to it',
    );
  for (const [name, mend] of Object.entries(IGNORED))
    if (parameters.has(name)) refuse(`has ${name} in its URL, which the driver doesn’t know; ${mend}`);
}

async function factsOf(client: pg.Client): Promise<Facts> {
  const { rows } = await client.query<Facts>(FACTS);
  if (!rows[0]) throw new Error('The database does not say what it is');
  return rows[0];
}
