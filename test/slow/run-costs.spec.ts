import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../support/temporary-directory.js';

const PROGRAM = fileURLToPath(new URL('../support/run-costs-program.ts', import.meta.url));

/**
 * What a run of the demo costs without HTTP, as it was last recorded. Unlike time, neither depends on the machine: who makes a run
 * dearer learns of it here, and who makes it cheaper records that.
 */
const BUDGETS = {
  'in memory': { bytes: 37_800, promises: 20 },
  'in SQLite': { bytes: 37_500, promises: 20.2 },
};
/** What a commit makes, however many runs share it. How many do depends on the disk. */
const PROMISES_A_COMMIT = 7;

describe('a run', () => {
  const directory = temporaryDirectory();

  test.each<[keyof typeof BUDGETS, () => string]>([
    ['in memory', () => 'memory:'],
    ['in SQLite', () => `sqlite:${directory}/runs.db`],
  ])('allocates no more, and makes no more promises, than its budget: %s', async (where, url) => {
    const env = { ...process.env, DATABASE_URL: url(), DEMO_TIME_SCALE: '0.001', LOG_LEVEL: 'silent' };
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { env });
    const { bytes, promises, commits } = JSON.parse(stdout) as Record<
      'bytes' | 'promises' | 'commits',
      number
    >;
    expect(bytes).toBeLessThan(BUDGETS[where].bytes * 1.1);
    expect(promises - commits * PROMISES_A_COMMIT).toBeLessThan(BUDGETS[where].promises * 1.1);
  });
});
