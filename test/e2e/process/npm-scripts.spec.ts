import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { ROOT } from '../../support/type-check.js';

describe('npm run start:prod', () => {
  test('stops cleanly when npm is told to, although npm’s shell passes no signal on', async () => {
    const npm = spawn('npm', ['run', 'start:prod'], {
      env: { ...process.env, PORT: '0', DATABASE_URL: 'memory:' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    const output = createInterface({ input: npm.stdout });
    output.on('line', (line) => {
      lines.push(line);
      if (line.includes('Listening on')) npm.kill('SIGTERM');
    });
    // The pipe is the service's as well: it ends when the last of them has ended.
    await once(output, 'close');
    expect(lines.at(-1)).toContain('Stopped');
  });
});

describe('build-if-changed.mjs', () => {
  const directory = temporaryDirectory();
  const at = (path: string) => join(directory, path);
  for (const folder of ['bin', 'src']) mkdirSync(at(folder));
  writeFileSync(at('src/a.ts'), 'a');
  writeFileSync(at('package.json'), '{}');
  // Builds as nest does: what was there is gone; it fails while src has a file bad.ts.
  const nest = '#!/bin/sh\necho built $1 >> log; rm -rf dist; mkdir dist; [ ! -e src/bad.ts ]\n';
  writeFileSync(at('bin/nest'), nest, { mode: 0o755 });

  /** @returns the exit code, and how often it has built until now */
  function run() {
    const { status } = spawnSync(process.execPath, [join(ROOT, 'build-if-changed.mjs')], {
      cwd: directory,
      env: { ...process.env, PATH: `${at('bin')}${delimiter}${process.env.PATH ?? ''}` },
    });
    return {
      status,
      builds: existsSync(at('log')) ? readFileSync(at('log'), 'utf8').split('\n').length - 1 : 0,
    };
  }

  test('builds when a source has changed, was added, or is gone, and when nothing is built', () => {
    expect(run()).toEqual({ status: 0, builds: 1 });
    expect(run()).toEqual({ status: 0, builds: 1 });
    writeFileSync(at('src/a.spec.ts'), 'no part of what is built');
    expect(run()).toEqual({ status: 0, builds: 1 });
    writeFileSync(at('src/a.ts'), 'b');
    expect(run()).toEqual({ status: 0, builds: 2 });
    writeFileSync(at('src/bad.ts'), '');
    expect(run()).toEqual({ status: 1, builds: 3 });
    expect(run()).toEqual({ status: 1, builds: 4 });
    rmSync(at('src/bad.ts'));
    expect(run()).toEqual({ status: 0, builds: 5 });
    rmSync(at('dist'), { recursive: true });
    expect(run()).toEqual({ status: 0, builds: 6 });
  });
});
