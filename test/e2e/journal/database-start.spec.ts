import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { parseConfig } from '../../../src/config/config.js';
import { EventBus } from '../../../src/events/event-bus.js';
import { DatabaseError } from '../../../src/journal/database-error.js';
import { SqliteJournal } from '../../../src/journal/sqlite/sqlite-journal.js';
import { APPLICATION_ID } from '../../../src/journal/sqlite/sqlite-schema.js';
import { DatabaseFile } from '../../support/database-file.js';
import { DurableService } from '../../support/durable-service.js';
import { JournalProcess } from '../../support/journal-process.js';
import { ServiceProcess } from '../../support/service-process.js';
import { TestApp } from '../../support/test-app.js';

const STACK = /\n\s+at |file:\/\//;

/** What the journal refuses to open a database with: a start says that and ends, see `a second process` below. */
async function refusal(path: string): Promise<string> {
  const options = { path, durability: 'power', retentionMs: 0, keyRetentionMs: 3_600_000 } as const;
  const opening = SqliteJournal.open(options, new EventBus(new EventEmitter2()));
  const error = await opening.then(
    (journal) => journal.close(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DatabaseError);
  const { message } = error as DatabaseError;
  expect(message).not.toMatch(STACK);
  return message;
}

describe('a start', () => {
  let database: DatabaseFile;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(() => database.remove());

  /** The refusal of a file that is there already and must be left as it is. */
  async function refusalOfFile(): Promise<string> {
    const before = readFileSync(database.path);
    const message = await refusal(database.path);
    expect(readFileSync(database.path).equals(before)).toBe(true);
    expect(message).toContain(`DATABASE_URL: the database ${database.path} `);
    return message;
  }

  async function runDemo(url: string): Promise<void> {
    const service = await TestApp.start({ env: { DATABASE_URL: url } });
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    await service.close();
  }

  test('makes the database that is missing, and its directory', async () => {
    expect(parseConfig({}).DATABASE_URL).toEqual({ kind: 'sqlite', path: './data/frontrunner.db' });
    const path = join(database.directory, 'data/frontrunner.db');
    await runDemo(`sqlite:${path}`);
    expect(existsSync(path)).toBe(true);
  });

  test('takes an empty file for a new database', async () => {
    writeFileSync(database.path, '');
    await runDemo(database.url);
    expect(database.flaws()).toEqual([]);
  });

  test('takes what a power cut has left of the making of a database for a new one', async () => {
    // Its page, whose first sector is missing, and the journal by which SQLite takes that back.
    writeFileSync(database.path, Buffer.alloc(4096));
    const journal = Buffer.alloc(512);
    journal.write('d9d505f920a163d7', 'hex');
    journal.writeUInt32BE(512, 20);
    journal.writeUInt32BE(4096, 24);
    writeFileSync(`${database.path}-journal`, journal);
    await runDemo(database.url);
  });

  test('is refused on a truncated database', async () => {
    await database.write([]);
    truncateSync(database.path, statSync(database.path).size / 2);
    expect(await refusalOfFile()).toMatch(
      /is damaged, unless the system’s log says that its disk can’t be read; restore it from a backup, or move it away/,
    );
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

  test('is refused while another program has it locked', async () => {
    await database.write([]);
    const other = new DatabaseSync(database.path);
    other.exec('BEGIN IMMEDIATE');
    expect(await refusalOfFile()).toMatch(
      /is locked by another program, which .+; end that program, and start/,
    );
    other.close();
  });

  test('that is refused leaves no thread behind, which could still have its connection when the next one begins', async () => {
    const file = new DatabaseSync(database.path);
    file.exec('CREATE TABLE runs (id TEXT)');
    file.close();
    const ended = jest.spyOn(Worker.prototype, 'emit');
    await refusal(database.path);
    expect(ended.mock.calls.map(([event]) => event)).toContain('exit');
    ended.mockRestore();
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

  test.each(['0001-runs-and-events', '0001-commits'])(
    'is refused on a database of before the first release: %s',
    async (name) => {
      const file = new DatabaseSync(database.path);
      file.exec(`PRAGMA application_id = ${APPLICATION_ID};
      CREATE TABLE kysely_migration (name TEXT, timestamp TEXT);
      INSERT INTO kysely_migration VALUES ('${name}', '2026-01-01T00:00:00.000Z');
      CREATE TABLE runs (id TEXT)`);
      file.close();
      expect(await refusalOfFile()).toMatch(
        /before the first release.*; move it away to begin with an empty one/,
      );
    },
  );

  test('is refused on a directory', async () => {
    mkdirSync(database.path);
    expect(await refusal(database.path)).toMatch(
      /DATABASE_URL: the database .* is a directory; set DATABASE_URL to a file/,
    );
  });

  test('is refused on a database that has a second name, which would have a log of its own', async () => {
    await database.write([]);
    const link = join(database.directory, 'link.db');
    linkSync(database.path, link);
    for (const path of [database.path, link])
      expect(await refusal(path)).toMatch(/has 2 names \(hard links\), .*; remove all but one/);
  });

  test.each(['missing', 'empty'])(
    'is refused where only the log of a database is left: it is %s',
    async (how) => {
      if (how === 'empty') writeFileSync(database.path, '');
      writeFileSync(`${database.path}-wal`, 'a log');
      expect(await refusal(database.path)).toMatch(
        /is missing, but its write-ahead log is there .*; move the/,
      );
      expect(readFileSync(`${database.path}-wal`, 'utf8')).toBe('a log');
    },
  );

  test('is refused below a file', async () => {
    writeFileSync(database.path, '');
    expect(await refusal(`${database.path}/runs.db`)).toMatch(
      /DATABASE_URL: .* in a directory that is a file; set DATABASE_URL/,
    );
  });

  test('is refused where the system makes no directories for anybody', async () => {
    if (process.platform !== 'linux') {
      process.stderr.write('Skips what needs /proc\n');
      return;
    }
    expect(await refusal('/proc/none/runs.db')).toMatch(
      /DATABASE_URL: .* in a directory that can’t be made; give the service/,
    );
  });
});

describe('a second process on one database', () => {
  let durable: DurableService;
  let path: string;
  const others: JournalProcess[] = [];
  beforeEach(() => {
    durable = new DurableService();
    ({ path } = durable.database);
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.kill();
    await durable.end();
  });

  async function otherProcess(): Promise<JournalProcess> {
    const other = await JournalProcess.start();
    others.push(other);
    return other;
  }

  const inUseBy = (pid: number) =>
    `DATABASE_URL: the database ${path} is in use by the process ${pid} on \\S+ since \\S+; end that process, or set DATABASE_URL to another file`;

  test('is refused and told which process holds it, which isn’t disturbed', async () => {
    const service = await durable.start();
    const link = join(durable.database.directory, 'link.db');
    symlinkSync(path, link);
    const { code, stdout, stderr } = await ServiceProcess.run({ env: { DATABASE_URL: `sqlite:${link}` } });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\{[^\n]* starts: database [^\n]*\n$/);
    expect(stderr).toMatch(new RegExp(`^${inUseBy(process.pid)}\n$`));
    const other = await otherProcess();
    for (const name of [path, link])
      expect(await other.open(name)).toMatch(new RegExp(`^DatabaseError: ${inUseBy(process.pid)}$`));
    expect((await service.answer('demo')).result).toBe('First result');
  });

  test('has it as soon as the first has ended, and it alone when several start then', async () => {
    const processes = await Promise.all([1, 2, 3, 4].map(() => otherProcess()));
    const [first, ...next] = processes;
    expect(await first!.open(path)).toBe('done');
    expect(await next[0]!.open(path)).toMatch(new RegExp(`^DatabaseError: ${inUseBy(first!.pid)}$`));
    await first!.kill();
    const answers = await Promise.all(next.map((process) => process.open(path)));
    expect(answers.toSorted()).toEqual([
      expect.stringMatching(/^DatabaseError: .* is in use by /),
      expect.stringMatching(/^DatabaseError: .* is in use by /),
      'done',
    ]);
  });
});
