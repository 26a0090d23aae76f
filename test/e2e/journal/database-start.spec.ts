import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DatabaseFile } from '../../support/database-file.js';
import { ServiceProcess } from '../../support/service-process.js';
import { TestApp } from '../../support/test-app.js';

const STACK = /\n\s+at |file:\/\//;
const NOBODY = 65_534;

/** How to run as somebody whom the rights of files bind; undefined where that can't be done. */
function ordinaryUser(): { uid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const { status } = spawnSync(process.execPath, ['--check', ServiceProcess.MAIN], { uid: NOBODY });
  return status === 0 ? { uid: NOBODY } : undefined;
}

const user = ordinaryUser();
if (!user)
  process.stderr.write(
    'Skips what needs an ordinary user: the tests run as root, and others can’t read dist/\n',
  );
const testAsUser = user ? test : test.skip;

describe('a start', () => {
  let database: DatabaseFile;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(() => database.remove());

  const options = () => ({ directory: database.directory, env: { DATABASE_URL: database.url } });

  /** Starts the service, which must refuse; resolves with what it says. */
  async function refusal(overrides: Parameters<typeof ServiceProcess.run>[0] = {}): Promise<string> {
    const { code, stdout, stderr } = await ServiceProcess.run({ ...options(), ...overrides });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).not.toMatch(STACK);
    return stderr;
  }

  /** The refusal of a file that is there already and must be left as it is. */
  async function refusalOfFile(overrides = {}): Promise<string> {
    const before = readFileSync(database.path);
    const message = await refusal(overrides);
    expect(readFileSync(database.path).equals(before)).toBe(true);
    expect(message).toContain(`DATABASE_URL: the database ${database.path} `);
    return message;
  }

  test('makes the database that is missing, and its directory', async () => {
    const service = await ServiceProcess.start({ directory: database.directory });
    await service.http.get('/run-tasks').expect(200);
    await service.stop('SIGKILL');
    expect(existsSync(join(database.directory, 'data/frontrunner.db'))).toBe(true);
  });

  test('takes an empty file for a new database', async () => {
    writeFileSync(database.path, '');
    const service = await TestApp.start({ env: { DATABASE_URL: database.url } });
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    await service.close();
    expect(database.flaws()).toEqual([]);
  });

  test('is refused on a truncated database', async () => {
    await database.write([]);
    truncateSync(database.path, statSync(database.path).size / 2);
    expect(await refusalOfFile()).toMatch(/is damaged; restore it from a backup, or move it away/);
  });

  test('is refused on a file that is no database', async () => {
    writeFileSync(database.path, 'a text and no database\n'.repeat(1_000));
    expect(await refusalOfFile()).toMatch(/a file of another kind; set DATABASE_URL to another file/);
    expect(readdirSync(database.directory)).toEqual([basename(database.path)]);
  });

  test('is refused on the database of another program', async () => {
    const file = new DatabaseSync(database.path);
    file.exec('CREATE TABLE runs (id TEXT)');
    file.close();
    expect(await refusalOfFile()).toMatch(/belongs to another program; set DATABASE_URL to another file/);
  });

  test('is refused on a database that a newer version has written', async () => {
    await database.write([]);
    const file = new DatabaseSync(database.path);
    file.exec("INSERT INTO kysely_migration VALUES ('9999-later', '2999-01-01T00:00:00.000Z')");
    file.close();
    expect(await refusalOfFile()).toMatch(
      /written by a newer version \(it has 9999-later\).*start that version/,
    );
  });

  test('is refused on a directory', async () => {
    mkdirSync(database.path);
    expect(await refusal()).toMatch(
      /DATABASE_URL: the database .* is a directory; set DATABASE_URL to a file/,
    );
  });

  test('is refused below a file', async () => {
    writeFileSync(database.path, '');
    const env = { DATABASE_URL: `${database.url}/runs.db` };
    expect(await refusal({ env })).toMatch(
      /DATABASE_URL: .* in a directory that is a file; set DATABASE_URL/,
    );
  });

  test('is refused where the system makes no directories for anybody', async () => {
    if (process.platform !== 'linux') {
      process.stderr.write('Skips what needs /proc\n');
      return;
    }
    const env = { DATABASE_URL: 'sqlite:/proc/none/runs.db' };
    expect(await refusal({ env })).toMatch(
      /DATABASE_URL: .* in a directory that can’t be made; give the service/,
    );
  });

  testAsUser(
    'is refused on a database that can only be read, or that a part of can only be read',
    async () => {
      await database.write([]);
      if (user?.uid !== undefined) chownSync(database.directory, user.uid, user.uid);
      chmodSync(database.path, 0o444);
      expect(await refusalOfFile(user)).toMatch(/can’t be written to; give the service’s user the right/);
      expect(readdirSync(database.directory)).toEqual([basename(database.path)]);
      chmodSync(database.path, 0o666);
      for (const suffix of ['.lock', '-shm']) {
        writeFileSync(database.path + suffix, '', { mode: 0o444 });
        expect(await refusal(user)).toMatch(/DATABASE_URL: .* can’t be written to; give the service’s user/);
        rmSync(database.path + suffix);
      }
    },
  );

  testAsUser('is refused in a directory that can’t be written to', async () => {
    chmodSync(database.directory, 0o555);
    for (const url of [database.url, `sqlite:${database.directory}/data/runs.db`])
      expect(await refusal({ ...user, env: { DATABASE_URL: url } })).toMatch(
        /DATABASE_URL: .* can’t be .*; give the service’s user the right to write it and its directory/,
      );
    chmodSync(database.directory, 0o755);
  });
});

describe('a second process on one database', () => {
  let database: DatabaseFile;
  let service: ServiceProcess;
  beforeEach(async () => {
    database = new DatabaseFile();
    service = await ServiceProcess.start({ env: { DATABASE_URL: database.url } });
  });
  afterEach(async () => {
    await service.stop('SIGKILL');
    database.remove();
  });

  test('is refused and told which process holds it, which isn’t disturbed', async () => {
    const link = join(database.directory, 'link.db');
    symlinkSync(database.path, link);
    for (const url of [database.url, `sqlite:${link}`]) {
      const { code, stderr } = await ServiceProcess.run({ env: { DATABASE_URL: url } });
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `^DATABASE_URL: the database ${database.path} is in use by the process ${service.pid} on \\S+ since \\S+; end that process, or set DATABASE_URL to another file\n$`,
        ),
      );
    }
    await service.http.get('/run-tasks').expect(200);
  });

  test('has it as soon as the first has ended, and it alone when several start then', async () => {
    await service.stop('SIGKILL');
    const starts = await Promise.allSettled(
      [1, 2, 3].map(() => ServiceProcess.start({ env: { DATABASE_URL: database.url } })),
    );
    const started = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    for (const each of started) await each.stop('SIGKILL');
    expect(started).toHaveLength(1);
  });
});
