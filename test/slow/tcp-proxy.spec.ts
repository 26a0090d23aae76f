import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { temporaryDatabase } from '../support/postgres-database.js';
import { activeResources, leftOver } from '../support/resources.js';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { UpstreamServer } from '../support/upstreams.js';

describe('a proxy in front of Postgres', () => {
  const clients: Client[] = [];
  let before: string[];
  let url: string;
  let proxy: TcpProxy;
  let direct: Client;
  let proxied: Client;
  let pid: number;
  beforeAll(async () => {
    url = await temporaryDatabase();
    before = await activeResources();
    const client = await connect(url);
    await client.query('CREATE TABLE things (thing int)');
    await client.end();
  });
  beforeEach(async () => {
    proxy = await TcpProxy.start(url);
    [direct, proxied] = await Promise.all([connect(url), connect(proxy.url(url))]);
    const { rows } = await proxied.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    pid = rows[0]!.pid;
  });
  afterEach(async () => {
    await proxy.close();
    await Promise.all(clients.splice(0).map((client) => client.end()));
  });
  afterAll(async () => {
    expect(await leftOver(before)).toEqual([]);
  });

  async function connect(to: string): Promise<Client> {
    const client = new Client(to);
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  }

  /** Whether the server takes the client that goes by way of the proxy for connected. */
  async function hasSession(): Promise<boolean> {
    const { rowCount } = await direct.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    return rowCount === 1;
  }

  const ended = (client: Client) => new Promise((resolve) => client.once('end', resolve));

  test('passes on what either side says, and that it goes', async () => {
    expect(new URL(proxy.url(url)).port).not.toBe(new URL(url).port);
    const { rows } = await proxied.query(`SELECT repeat('x', 1000000) AS answer`);
    expect(rows).toEqual([{ answer: 'x'.repeat(1_000_000) }]);
    const end = ended(proxied);
    await direct.query('SELECT pg_terminate_backend($1)', [pid]);
    await end;
  });

  test('drops all connections and refuses new ones while it is cut', async () => {
    const end = ended(proxied);
    await proxy.cut();
    await end;
    await expect(connect(proxy.url(url))).rejects.toThrow('ECONNREFUSED');
    const way = proxy.url(url);
    await proxy.heal();
    expect(proxy.url(url)).toBe(way);
    await expect(connect(way)).resolves.toBeDefined();
  });

  test('keeps both sides waiting in a black hole, whose connections are lost when it heals', async () => {
    const heard: unknown[] = [];
    proxied.on('notification', (notification) => heard.push(notification));
    await proxied.query('LISTEN news');
    proxy.blackhole();
    const insert = expect(proxied.query('INSERT INTO things VALUES (1)')).rejects.toThrow('terminated');
    const late = connectSocket(Number(new URL(proxy.url(url)).port), '127.0.0.1');
    await once(late, 'connect');
    await direct.query('NOTIFY news');
    expect(await hasSession()).toBe(true);
    expect(late.closed).toBe(false);
    await proxy.heal();
    await Promise.all([insert, once(late.resume(), 'close')]);
    expect(heard).toEqual([]);
    expect((await direct.query('SELECT * FROM things')).rows).toEqual([]);
    await expect(connect(proxy.url(url))).resolves.toBeDefined();
  });

  test('keeps the session of a client that goes in a black hole, until it heals', async () => {
    proxy.blackhole();
    const gone = proxied.end();
    expect(await hasSession()).toBe(true);
    await proxy.heal();
    await gone;
    while (await hasSession());
  });

  test('delays each direction, and heals of that', async () => {
    const roundTrip = async () => {
      const start = performance.now();
      await proxied.query('SELECT 1');
      return performance.now() - start;
    };
    proxy.delay(100);
    // Timers are right to a millisecond.
    expect(await roundTrip()).toBeGreaterThan(198);
    await proxy.heal();
    // A delay would befall each of them; a busy machine holds up one or another.
    const healed: number[] = [];
    for (let trip = 0; trip < 20; trip += 1) healed.push(await roundTrip());
    expect(Math.min(...healed)).toBeLessThan(198);
  });
});

test('a proxy whose delay gets shorter keeps the order of what it passes on', async () => {
  const echo = await UpstreamServer.raw((socket) => socket.pipe(socket));
  const proxy = await TcpProxy.start(echo.origin);
  const socket = connectSocket(Number(new URL(proxy.url(echo.origin)).port), '127.0.0.1');
  proxy.delay(50);
  socket.write('first ');
  await once(socket, 'connect');
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  proxy.delay(0);
  socket.write('second');
  let answer = '';
  for await (const chunk of socket) if ((answer += String(chunk)).includes('second')) break;
  expect(answer).toBe('first second');
  await proxy.close();
  await echo.close();
});
