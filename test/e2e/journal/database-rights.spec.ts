import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DatabaseFile } from '../../support/database-file.js';
import { JournalProcess } from '../../support/journal-process.js';

const NOBODY = 65_534;

/** How to run as somebody whom the rights of files bind; undefined where that can't be done. */
function ordinaryUser(): { uid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const { status } = spawnSync(process.execPath, ['--check', JournalProcess.PROGRAM], { uid: NOBODY });
  return status === 0 ? { uid: NOBODY } : undefined;
}

const user = ordinaryUser();
if (!user)
  process.stderr.write(
    'Skips what needs an ordinary user: the tests run as root, and others can’t read test/\n',
  );
const describeAsUser = user ? describe : describe.skip;

describeAsUser('a start by an ordinary user', () => {
  let journal: JournalProcess;
  let database: DatabaseFile;
  beforeAll(async () => {
    journal = await JournalProcess.start(user);
  });
  afterAll(() => journal.kill());
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(() => database.remove());

  test('is refused on a database that can only be read, or that a part of can only be read', async () => {
    await database.write([]);
    if (user?.uid !== undefined) chownSync(database.directory, user.uid, user.uid);
    const before = readFileSync(database.path);
    const files = readdirSync(database.directory);
    chmodSync(database.path, 0o444);
    expect(await journal.open(database.path)).toMatch(
      /^DatabaseError: DATABASE_URL: .* can’t be written to; give the service’s user the right/,
    );
    expect(readFileSync(database.path).equals(before)).toBe(true);
    expect(readdirSync(database.directory)).toEqual(files);
    chmodSync(database.path, 0o666);
    for (const suffix of ['.lock', '-shm']) {
      writeFileSync(database.path + suffix, '', { mode: 0o444 });
      expect(await journal.open(database.path)).toMatch(
        /^DatabaseError: DATABASE_URL: .* can’t be written to; give the service’s user/,
      );
      rmSync(database.path + suffix);
    }
  });

  test('is refused in a directory that can’t be written to', async () => {
    chmodSync(database.directory, 0o555);
    for (const path of [database.path, `${database.directory}/data/runs.db`])
      expect(await journal.open(path)).toMatch(
        /^DatabaseError: DATABASE_URL: .* can’t be .*; give the service’s user the right to write it and its directory/,
      );
    chmodSync(database.directory, 0o755);
  });
});
