import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { DatabaseError } from '../../../src/journal/database-error.js';
import { openDatabase } from '../../../src/journal/postgres/postgres-database.js';
import { CERTIFICATE, CERTIFICATE_KEY } from '../../support/certificate.js';
import { FakePooler } from '../../support/fake-pooler.js';
import { postgresServer, temporaryDatabase } from '../../support/postgres-database.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

/** What a start is refused with. */
async function refusal(url: string): Promise<string> {
  const error = await openDatabase({ url, schema: 'frontrunner' }).then(
    (db) => db.destroy(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  return (error as DatabaseError).message;
}

describe('the start is refused by what it finds of its Postgres', () => {
  const directory = temporaryDirectory();
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function behind(behaviour: Parameters<typeof FakePooler.start>[0]): Promise<string> {
    const pooler = await FakePooler.start(behaviour);
    ends.push(() => pooler.close());
    return pooler.url;
  }

  async function listening(server: Server, at: string | number): Promise<Server> {
    server
      .on('error', () => undefined)
      .listen(typeof at === 'number' ? { port: at, host: '127.0.0.1' } : { path: at });
    await once(server, 'listening');
    ends.push(async () => {
      server.close();
      await once(server, 'close');
    });
    return server;
  }

  async function execute(url: string, statement: string): Promise<void> {
    const client = new Client(url);
    await client.connect();
    await client.query(statement);
    await client.end();
  }

  test.each([2, 20])('a pooler that shares %d connections between transactions', async (sessions) => {
    expect(await refusal(await behind({ sessions }))).toMatch(
      /^DATABASE_URL: the database postgres:\/\/user@127\.0\.0\.1:\d+\/runs is behind a pooler that shares .* set its pool_mode to session/,
    );
  });

  test('a pooler that refuses a parameter, which is no silence', async () => {
    const url = await behind({ sessions: 1, refuses: 'idle_in_transaction_session_timeout' });
    expect(await refusal(url)).toMatch(
      /behind a pooler that refuses idle_in_transaction_session_timeout; add it to .* ignore_startup_parameters/,
    );
  });

  test('a server that can’t keep every text', async () => {
    const url = await temporaryDatabase();
    await execute(
      await postgresServer(),
      `CREATE DATABASE ${new URL(url).pathname.slice(1)}_l ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`,
    );
    ends.push(async () =>
      execute(await postgresServer(), `DROP DATABASE ${new URL(url).pathname.slice(1)}_l WITH (FORCE)`),
    );
    expect(await refusal(`${url}_l`)).toMatch(/keeps texts as LATIN1, .* ENCODING 'UTF8'/);
  });

  test('a standby', async () => {
    expect(await refusal(await behind({ sessions: 1, standby: true }))).toMatch(
      /standby.* the primary server/,
    );
  });

  test('a user who may only read', async () => {
    const url = await temporaryDatabase();
    const name = new URL(url).pathname.slice(1);
    await execute(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    expect(await refusal(url)).toMatch(/lets its user only read; set default_transaction_read_only to off/);
  });

  test.each([
    [
      'several hosts',
      'postgres://user:secret@a.example:5432,b.example:5433/runs',
      /several hosts .* the primary/,
    ],
    ['several sockets', 'postgres:///runs?host=/a,/b', /several hosts/],
    [
      'an attribute',
      'postgres://h/runs?target_session_attrs=read-write',
      /has target_session_attrs .* take it out/,
    ],
  ])('a URL with %s', async (_what, url, message) => {
    const refused = await refusal(url);
    expect(refused).toMatch(message);
    expect(refused).not.toContain('secret');
  });

  test('a socket that is not there', async () => {
    expect(await refusal(`postgres://user@/runs?host=${directory}`)).toMatch(
      /no socket \S+\.s\.PGSQL\.5432, or none that this user may open/,
    );
  });

  test('a file of certificates that is not there', async () => {
    expect(await refusal('postgres://h/runs?sslmode=verify-full&sslrootcert=/nowhere.pem')).toMatch(
      /has a certificate or key in its URL that can’t be read, \/nowhere\.pem/,
    );
  });

  test('but not by a socket that leads to a server', async () => {
    const url = new URL(await temporaryDatabase());
    const port = Number(url.port);
    const server = createServer((client) => {
      const upstream = connect(port, url.hostname);
      for (const socket of [client, upstream]) socket.on('error', () => undefined);
      client.pipe(upstream).pipe(client);
    });
    await listening(server, join(directory, '.s.PGSQL.5432'));
    const { username, password, pathname } = url;
    const db = await openDatabase({
      url: `postgres://${username}:${password}@${pathname}?host=${directory}`,
      schema: 'frontrunner',
    });
    await db.destroy();
  });

  describe('over TLS', () => {
    const ca = join(directory, 'ca.pem');

    /** A server that takes TLS, and ends what it has taken. */
    async function tlsServer(): Promise<number> {
      const inner = createTlsServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, (socket) => socket.end());
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          socket.write('S');
          inner.emit('connection', socket);
        });
      });
      await listening(server, 0);
      return (server.address() as { readonly port: number }).port;
    }

    test('a certificate that nobody vouches for', async () => {
      const port = await tlsServer();
      expect(await refusal(`postgres://u@127.0.0.1:${port}/runs?sslmode=verify-full`)).toMatch(
        /authority that this machine doesn’t know; add sslrootcert=/,
      );
    });

    test('a certificate of another name, although its authority is known', async () => {
      writeFileSync(ca, CERTIFICATE);
      const port = await tlsServer();
      expect(
        await refusal(`postgres://u@localhost:${port}/runs?sslmode=verify-full&sslrootcert=${ca}`),
      ).toMatch(/certificate of another name than the host/);
    });

    test('a server that takes none', async () => {
      const url = await temporaryDatabase();
      expect(await refusal(`${url}?sslmode=verify-full`)).toMatch(/takes no TLS; switch it on there/);
    });
  });
});
