import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { CommandLine } from '../../support/command-line.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';

describe('frontrunner keys', () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'keys.json');
  afterEach(() => rmSync(path, { force: true }));

  const line = new CommandLine(directory, 'keys');
  const keys: CommandLine['run'] = (args, given) => line.run(args, given);

  test('makes a key that the service takes, shows it once on standard output and keeps its hash alone', async () => {
    const args = ['create', 'ci', '--scope', 'runs:read', '--scope', 'runs:write', '--file', path];
    const npm = spawn('npm', ['run', '-s', 'keys', '--', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr] = await Promise.all([text(npm.stdout), text(npm.stderr), once(npm, 'close')]);
    const code = npm.exitCode;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^fr_[\w-]{43}\n$/);
    const key = stdout.trim();
    expect(stderr).toContain('The key ci is good for runs:read and runs:write');
    expect(stderr).not.toContain(key);
    expect(readFileSync(path, 'utf8')).not.toContain(key);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const service = await TestApp.start({ env: { API_KEYS_FILE: path } });
    await service.http.get('/tasks').auth(key, { type: 'bearer' }).expect(200);
    await service.http.get('/tasks').expect(401);
    await service.close();
  });

  test('lists keys and revokes them', async () => {
    for (const name of ['ci', 'dashboard'])
      await keys(['create', name, '--scope', 'runs:read', '--file', path]);
    const listed = await keys(['list', '--file', path]);
    expect(listed.stdout).toMatch(/^ci\truns:read\t\S+Z\ndashboard\truns:read\t\S+Z\n$/);
    expect((await keys(['revoke', 'ci', '--file', path])).code).toBe(0);
    expect((await keys(['list', '--file', path])).stdout).toMatch(/^dashboard\t/);
    const unknown = await keys(['revoke', 'ci', '--file', path]);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('has no key ci') });
  });

  test('takes a key that somebody chose from standard input, and keeps its scrypt hash', async () => {
    const input = 'correct-horse-battery\n';
    const result = await keys(['create', 'me', '--scope', 'runs:read', '--stdin', '--file', path], { input });
    expect(result).toMatchObject({ code: 0, stdout: '' });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      keys: [{ name: 'me', scrypt: expect.stringMatching(/^\$scrypt\$ln=15,r=8,p=3\$/) }],
    });
    const short = await keys(['create', 'm2', '--scope', 'runs:read', '--stdin', '--file', path], {
      input: 'hunter2',
    });
    expect(short).toMatchObject({ code: 2, stderr: expect.stringContaining('16 to 512') });
  });

  test('writes where API_KEYS_FILE says, in the environment or in the file .env', async () => {
    const create = ['create', 'ci', '--scope', 'runs:read'];
    expect(await keys(create)).toMatchObject({ code: 2, stderr: expect.stringContaining('API_KEYS_FILE') });
    expect((await keys(create, { env: { API_KEYS_FILE: path } })).code).toBe(0);
    rmSync(path);
    writeFileSync(join(directory, '.env'), 'API_KEYS_FILE=keys.json\n');
    expect((await keys(create)).code).toBe(0);
    expect((await keys(['list'])).stdout).toContain('ci');
    rmSync(join(directory, '.env'));
  });

  test('keeps each key of several that are made at the same time, or says that it was not made', async () => {
    const results = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        line.spawn(['create', name, '--scope', 'runs:read', '--file', path]),
      ),
    );
    const made = results.filter(({ code }) => code === 0).length;
    expect((await keys(['list', '--file', path])).stdout.split('\n')).toHaveLength(made + 1);
    for (const { code, stderr } of results) if (code !== 0) expect(stderr).toContain('at this moment');
  });

  test.each([
    [['create', 'ci', '--scope', 'runs:all'], /no scope runs:all; --scope takes runs:write or runs:read/],
    [['create', 'ci'], /needs a --scope/],
    [['create', '--scope', 'runs:read'], /create <name>/],
    [['create', 'ci', 'more', '--scope', 'runs:read'], /--help/],
    [['make', 'ci'], /--help/],
    [['list', '--all'], /--help/],
  ])('is refused with %j, and makes no file', async (args, refusal) => {
    const { code, stdout, stderr } = await keys(args, { env: { API_KEYS_FILE: path } });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(refusal);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(() => statSync(path)).toThrow(/ENOENT/);
  });

  test('is refused with a name that no key may have', async () => {
    expect(await keys(['create', 'two words', '--scope', 'runs:read', '--file', path])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('takes 1 to 64 letters'),
    });
  });

  test('is refused with a name that a key has', async () => {
    const create = ['create', 'ci', '--scope', 'runs:read', '--file', path];
    await keys(create);
    const before = readFileSync(path, 'utf8');
    expect(await keys(create)).toMatchObject({ code: 2, stderr: expect.stringContaining('has a key ci') });
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  test.each([['--help'], ['-h']])('says what it takes with %s', async (...args) => {
    const { code, stdout } = await keys(args);
    expect(code).toBe(0);
    for (const word of ['create', 'list', 'revoke', '--scope', '--stdin', '--file'])
      expect(stdout).toContain(word);
  });
});
