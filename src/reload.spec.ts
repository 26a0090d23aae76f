import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { ApiKeys } from '../test/support/api-keys.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { KeyRing } from './access/key-ring.js';
import { readKeys } from './access/keys-file.js';
import { DomainError } from './core/domain-error.js';
import { reload } from './reload.js';

describe('a reload', () => {
  const keys = new ApiKeys();
  const first = keys.create('first', 'runs:read');
  const directory = temporaryDirectory();
  afterAll(() => keys.remove());

  const logger = { log: jest.fn(), warn: jest.fn(), error: jest.fn() };
  const said = () =>
    Object.values(logger).flatMap(({ mock }) => mock.calls.splice(0).map(([line]) => String(line)));

  test('takes the keys of the file from then on, also where the tasks file has mistakes', () => {
    const old = keys.create('old', 'runs:read');
    const access = { keys: new KeyRing(readKeys(keys.path)) };
    const added = keys.create('added', 'admin');
    const tasks = {
      reload: () => {
        throw new DomainError('tasks-file-wrong', 'is wrong');
      },
    };
    reload(logger, { TASKS_FILE: ['tasks.yaml'], API_KEYS_FILE: keys.path }, access, tasks);
    expect(access.keys.find(added)).toMatchObject({ name: 'added' });
    expect(access.keys.find(old)).toMatchObject({ name: 'old' });
    expect(said()).toEqual([`Reloaded: 3 API keys from ${keys.path}`]);
  });

  test('with a mistake in the keys file changes nothing, and says what it is', () => {
    const tasks = { reload: jest.fn<() => never>() };
    const access = { keys: new KeyRing(readKeys(keys.path)) };
    const path = join(directory, 'keys.json');
    for (const [content, message] of [
      ['{"keys": []}', /^Not reloaded, the API keys are as before: API_KEYS_FILE .* has no keys/],
      ['{', /^Not reloaded, the API keys are as before: The API keys in .* are no JSON/],
    ] as const) {
      writeFileSync(path, content);
      reload(logger, { TASKS_FILE: [], API_KEYS_FILE: path }, access, tasks);
      expect(said()).toEqual([expect.stringMatching(message)]);
    }
    expect(access.keys.find(first)).toBeDefined();
    expect(tasks.reload).not.toHaveBeenCalled();
  });

  test('says that there is nothing to reload where no file is set', () => {
    const tasks = { reload: jest.fn<() => never>() };
    reload(logger, { TASKS_FILE: [], API_KEYS_FILE: null }, { keys: undefined }, tasks);
    expect(said()).toEqual(['There is nothing to reload: neither TASKS_FILE nor API_KEYS_FILE is set']);
  });
});
