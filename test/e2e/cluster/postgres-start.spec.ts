import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { ServiceProcess } from '../../support/service-process.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a start with Postgres', () => {
  let url: string;
  beforeEach(async () => {
    url = await temporaryDatabase();
  });

  const changed = (change: (url: URL) => void): string => {
    const other = new URL(url);
    change(other);
    return other.href;
  };

  test('makes its tables, once for all nodes that start at the same time', async () => {
    const starts = [1, 2, 3].map(() => ServiceProcess.start({ env: { DATABASE_URL: url } }));
    const nodes = await Promise.all(starts);
    const { body } = (await nodes[0]!.http.get('/run-tasks').timeout(9_000)) as { body: unknown };
    expect(body).toEqual({ result: 'First result' });
    expect(await query(url, 'SELECT count(*)::int FROM frontrunner.nodes')).toEqual([{ count: 3 }]);
    expect(await Promise.all(nodes.map((node) => node.stop()))).toEqual([0, 0, 0]);
    expect(await query(url, 'SELECT * FROM frontrunner.nodes')).toEqual([]);
  }, 60_000);

  test.each<[string, (url: URL) => void, RegExp]>([
    ['another password', (to) => (to.password = 'wrong'), /refuses the user or the password/],
    ['no such database', (to) => (to.pathname = '/nowhere'), /doesn’t exist; create it/],
  ])('says what is wrong with %s, and nothing of the password', async (_what, change, message) => {
    const wrong = changed(change);
    const { code, stderr } = await ServiceProcess.run({ env: { DATABASE_URL: wrong } });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^DATABASE_URL: the database postgres:\/\/[^:@]*@127\.0\.0\.1:\d+\/\S+ /);
    expect(stderr).not.toContain(new URL(wrong).password);
    expect(code).toBe(1);
  });

  test('waits for a server that is not there yet', async () => {
    const { hostname, port } = new URL(url);
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: own } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const late = changed((to) => (to.port = String(own)));
    const starting = ServiceProcess.start({ env: { DATABASE_URL: late } });
    const { TcpProxy } = await import('../../support/tcp-proxy.ts');
    const proxy = await TcpProxy.start(`postgres://${hostname}:${port}/x`, own);
    const node = await starting;
    expect(node.lines.map(({ msg }) => msg).join()).toContain('Listening on');
    expect(await node.stop()).toBe(0);
    await proxy.close();
  });

  test('goes on with tables that a newer version has migrated, as long as those allow it', async () => {
    const first = await ServiceProcess.start({ env: { DATABASE_URL: url } });
    await first.stop();
    await query(
      url,
      `INSERT INTO frontrunner.kysely_migration VALUES ('0099-of-tomorrow', '2027-01-01T00:00:00.000Z')`,
    );
    const old = await ServiceProcess.start({ env: { DATABASE_URL: url } });
    expect(await old.stop()).toBe(0);
    await query(url, 'UPDATE frontrunner.compatibility SET minimum = 99');
    const { code, stderr } = await ServiceProcess.run({ env: { DATABASE_URL: url } });
    expect(stderr).toMatch(
      /was migrated by a newer version \(0099-of-tomorrow\) and needs nodes of version 99/,
    );
    expect(code).toBe(1);
  });
});
