import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readConfig } from './read-config.js';

describe('readConfig', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('reads the environment over a file, and leaves the environment as it was', () => {
    const file = join(folder, '.env');
    expect(readConfig({}, file)).toMatchObject({ PORT: 3000 });
    writeFileSync(file, 'PORT=4000 # a comment\nMAX_WAIT="5s"\nAPI_TOKEN=secret\n');
    const config = readConfig({ PORT: '5000' }, file);
    expect(config).toMatchObject({ PORT: 5000, MAX_WAIT: 5_000 });
    expect(config.environment).toEqual({ PORT: '5000', MAX_WAIT: '5s', API_TOKEN: 'secret' });
    expect(process.env).not.toHaveProperty('API_TOKEN');
  });

  test('reads a file that begins with a byte order mark', () => {
    const file = join(folder, '.env');
    writeFileSync(file, '\uFEFFPORT=4000\n');
    expect(readConfig({}, file).environment).toEqual({ PORT: '4000' });
  });

  test('says so when the file can’t be read', () => {
    expect(() => readConfig({}, folder)).toThrow(`The file ${folder} can’t be read (EISDIR)`);
  });
});
