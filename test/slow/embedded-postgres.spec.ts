import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { EmbeddedPostgres } from '../support/embedded-postgres.ts';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestApp } from '../support/test-app.js';

const MODULE = resolve(import.meta.dirname, '../support/embedded-postgres.ts');
/** Waits for nothing, so it doesn't notice by itself that the server is gone, and keeps others from its data. */
const BUSY = `DO $$ BEGIN RAISE NOTICE 'begun'; LOOP NULL; END LOOP; END $$`;

describe('an embedded Postgres', () => {
  const directory = temporaryDirectory();
  // Root's server runs as nobody, who must get through.
  chmodSync(directory, 0o711);
  const clients: Client[] = [];
  let postgres: EmbeddedPostgres | undefined;
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await postgres?.stop();
    postgres = undefined;
  });

  async function connect(url: string): Promise<Client> {
    const client = new Client(url);
    client.on('error', () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  }

  async function ask(sql: string): Promise<unknown> {
    const client = await connect(postgres!.url);
    const { rows } = await client.query<{ answer: unknown }>(sql);
    return rows[0]?.answer;
  }

  test('starts again with what was committed when it was killed amid work', async () => {
    postgres = await EmbeddedPostgres.start();
    const { url } = postgres;
    await ask('CREATE TABLE kept AS SELECT 1 AS answer');
    const busy = await connect(url);
    const begun = once(busy, 'notice');
    const cutOff = expect(busy.query(BUSY)).rejects.toThrow('Connection terminated unexpectedly');
    await begun;
    await postgres.kill();
    await cutOff;
    expect(postgres.pid).toBeUndefined();
    await expect(connect(url)).rejects.toThrow('ECONNREFUSED');
    await postgres.start();
    expect(postgres.url).toBe(url);
    expect(await ask('SELECT answer FROM kept')).toBe(1);
  });

  test('restarts where it was, and only its clients notice', async () => {
    postgres = await EmbeddedPostgres.start({ durable: true });
    const { url, pid } = postgres;
    const client = await connect(url);
    const lost = new Promise((resolve) => client.once('end', resolve));
    await postgres.restart();
    await lost;
    expect(postgres).toMatchObject({ url });
    expect(postgres.pid).not.toBe(pid);
    expect(await ask(`SELECT current_setting('fsync') AS answer`)).toBe('on');
  });

  test('goes on, in a directory that it was given, with what another has left there', async () => {
    const options = { directory: resolve(directory, 'given') };
    postgres = await EmbeddedPostgres.start(options);
    await ask('CREATE TABLE kept AS SELECT 1 AS answer');
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await postgres.stop();
    postgres = await EmbeddedPostgres.start(options);
    expect(await ask('SELECT answer FROM kept')).toBe(1);
  });

  test('says why it did not start', async () => {
    const start = EmbeddedPostgres.start({ directory: resolve(import.meta.filename, 'no-directory') });
    await expect(start).rejects.toThrow('ENOTDIR');
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('leaves nothing when its process ends by %s', async (signal) => {
    const temporary = resolve(directory, signal);
    const script = `
      const { mkdirSync } = await import('node:fs');
      mkdirSync(process.env.TMPDIR, { mode: 0o711 });
      const { EmbeddedPostgres } = await import(${JSON.stringify(MODULE)});
      process.send((await EmbeddedPostgres.start()).url);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const [url] = (await once(owner, 'message')) as [string];
    const client = await connect(url);
    const lost = new Promise((resolve) => client.once('end', resolve));
    owner.kill(signal);
    // The pipe is that of whoever clears up as well.
    await Promise.all([lost, once(owner, 'close')]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('a service on a Postgres without checksums', () => {
  test('says at its start that damage would be shown as truth, and what to do', async () => {
    const postgres = await EmbeddedPostgres.start({ checksums: false });
    const service = await TestApp.start({ amongOthers: true, env: { DATABASE_URL: postgres.url } });
    const said = await service.log.line(/keeps no checksums of its pages, .* pg_checksums --enable$/);
    expect(said).toMatchObject({ level: 'warn' });
    await service.close();
    await postgres.stop();
  });
});
