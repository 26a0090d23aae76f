import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AccessError } from './access-error.js';
import { changeKeys, readKeys, type KeyEntry } from './keys-file.js';

const KEY: KeyEntry = { name: 'ci', scopes: ['runs:read'], sha256: 'a'.repeat(64) };

describe('a file of API keys', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
    path = join(directory, 'keys.json');
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  const write = (content: unknown) => {
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const refusal = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(AccessError);
      return (error as Error).message;
    }
    throw new Error('Was not refused');
  };

  test('holds what was written to it, for its owner alone', () => {
    const other: KeyEntry = {
      ...KEY,
      name: 'other',
      sha256: 'b'.repeat(64),
      createdAt: '2026-01-31T12:00:00Z',
    };
    changeKeys(path, () => [KEY]);
    changeKeys(path, (keys) => [...keys, other]);
    expect(readKeys(path)).toEqual([KEY, other]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  test.each([
    ['an unknown scope', { ...KEY, scopes: ['runs:all'] }, '.scopes.0: takes runs:write or runs:read'],
    [
      'no scope',
      { ...KEY, scopes: [] },
      '.scopes: takes at least one of runs:write, runs:read, webhooks:write, admin, metrics:read, runs:write:own, runs:read:own',
    ],
    ['a short hash', { ...KEY, sha256: 'abc' }, '.sha256: takes 64 hexadecimal digits'],
    ['no hash', { ...KEY, sha256: undefined }, ': has either sha256 or scrypt'],
    [
      'a scrypt hash of another form',
      { ...KEY, sha256: undefined, scrypt: 'a:b' },
      '.scrypt: takes $scrypt$',
    ],
    ['a misspelt member', { ...KEY, scope: 'runs:read' }, ': Unrecognized key: "scope"'],
  ])('is refused with %s, by file, entry and name', (_what, entry, flaw) => {
    write({ keys: [{ ...KEY, name: 'fine', sha256: 'f'.repeat(64) }, entry] });
    const message = refusal(() => readKeys(path));
    expect(message).toContain(`The API keys in ${path} are wrong:\n  keys[1] ("ci")${flaw}`);
    expect(message).toContain('frontrunner keys');
  });

  test('is refused with a name or a hash that two entries have', () => {
    write({ keys: [KEY, { ...KEY, sha256: 'b'.repeat(64) }, { ...KEY, name: 'other' }] });
    const message = refusal(() => readKeys(path));
    expect(message).toContain('keys[1] ("ci"): another entry has the name ci');
    expect(message).toContain(`keys[2] ("other"): another entry has the hash ${'a'.repeat(64)}`);
  });

  test.each([
    ['{', 'are no JSON'],
    ['[]', 'the file: Invalid input'],
    ['{"keys": [null]}', 'keys[0]: Invalid input'],
    ['{"keys": {}, "more": 1}', 'keys: Invalid input'],
  ])('is refused when it is %j', (content, flaw) => {
    write(content);
    expect(refusal(() => readKeys(path))).toContain(flaw);
  });

  test('is refused where it is missing or a directory, with what to do', () => {
    expect(refusal(() => readKeys(path))).toMatch(/no such file; make a key with: frontrunner keys create/);
    mkdirSync(path);
    expect(refusal(() => readKeys(path))).toContain('is a directory; set a file');
    expect(refusal(() => changeKeys(join(directory, 'none/keys.json'), () => [KEY]))).toContain(
      'make it first',
    );
  });

  test('stays as it was when a change of it is refused', () => {
    changeKeys(path, () => [KEY]);
    const before = readFileSync(path, 'utf8');
    expect(refusal(() => changeKeys(path, () => [{ ...KEY, name: 'käse' }]))).toContain(
      '.name: takes 1 to 64',
    );
    writeFileSync(`${path}.new`, '');
    expect(refusal(() => changeKeys(path, () => []))).toContain(`remove ${path}.new`);
    expect(existsSync(`${path}.new`)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});
