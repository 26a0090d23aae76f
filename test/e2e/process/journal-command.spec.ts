import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CommandLine } from '../../support/command-line.js';
import { DurableService } from '../../support/durable-service.js';

describe('frontrunner journal', () => {
  let durable: DurableService;
  let path: string;
  let copy: string;
  beforeEach(() => {
    durable = new DurableService();
    ({ path } = durable.database);
    copy = join(durable.database.directory, 'copy.db');
  });
  afterEach(() => durable.end());

  const journal = (...args: readonly string[]) =>
    new CommandLine(durable.database.directory, 'journal').run(args, {
      env: { DATABASE_URL: durable.database.url },
    });

  const rightsOf = (file: string) => statSync(file).mode & 0o777;

  async function runDemo(): Promise<string> {
    const service = await durable.start();
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    return runId;
  }

  test('verifies the log and backs it up while the service runs, and brings the backup back when it does not', async () => {
    const kept = await runDemo();
    expect(await journal('verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ is sound: 9 events, /),
    });
    expect(await journal('backup', copy)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /copy\.db is a copy of .*: 9 events, the last of which has the number 9\n$/,
      ),
    });
    expect(rightsOf(copy)).toBe(0o600);
    expect(await journal('backup', copy)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there already; name/),
    });
    expect(await journal('restore', copy)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/in use by the process/),
    });
    const lost = await runDemo();
    await durable.stop();
    const restored = await journal('restore', copy);
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/is a copy of .*: 9 events/) });
    expect(rightsOf(path)).toBe(0o600);
    const replaced = /What was in \S+ is in (\S+) now/.exec(restored.stdout)![1]!;
    const service = await durable.start();
    expect((await service.showRun(kept)).status).toBe('succeeded');
    await service.http.get(`/runs/${lost}`).expect(404);
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    await durable.stop();
    expect(readFileSync(replaced).includes(lost)).toBe(true);
    expect(durable.database.flaws()).toEqual([]);
  });

  test('tells where the log is damaged, and neither backs such a one up nor restores it', async () => {
    await runDemo();
    await durable.stop();
    const bytes = readFileSync(path);
    const result = 'First result';
    for (let at = bytes.indexOf(result); at >= 0; at = bytes.indexOf(result, at)) bytes.write('X', at);
    writeFileSync(path, bytes);
    expect(await journal('verify')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^(events \d+ to \d+ are not what was written\n)+.* is damaged: /),
    });
    expect(await journal('backup', copy)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/was not copied:\nevents/),
    });
    expect(existsSync(copy)).toBe(false);
    writeFileSync(copy, bytes);
    const before = readdirSync(durable.database.directory).filter((name) => name.includes('replaced'));
    expect(await journal('restore', copy)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\S+copy\.db is damaged, and was not copied/),
    });
    expect(before).toEqual([]);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('names the file of a backup that can’t be written, or is none', async () => {
    await runDemo();
    await durable.stop();
    const nowhere = join(path, 'nowhere.db');
    expect(await journal('backup', nowhere)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\S+nowhere\.db can’t be written \(.*\); name another file\n$/),
    });
    writeFileSync(copy, 'junk');
    expect(await journal('restore', copy)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\S+copy\.db is no backup of a journal \(.*\); name another file\n$/),
    });
  });

  test.each([
    [[], 2, /Usage: frontrunner journal/],
    [['--help'], 0, /restore {2}puts such a copy/],
    [['verify'], 2, /There is no file/],
    [['backup'], 2, /It takes verify, backup <file>, or restore <file>; frontrunner journal --help/],
    [['salvage', 'x'], 2, /It takes verify/],
    [['verify', '--all'], 2, /--help says what there is/],
  ])('takes %j, or says what it takes', async (args, code, said) => {
    const ended = await journal(...args);
    expect(ended.code).toBe(code);
    expect(ended.stdout + ended.stderr).toMatch(said);
  });
});
