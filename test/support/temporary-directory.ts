import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

/** An empty directory that goes when the suite is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'frontrunner-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}
