/** Builds dist, unless it was built from what the sources are now. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';

const MARK = 'dist/.built-from';
const SOURCES = ['src/**/*.{ts,json}', 'tsconfig*.json', 'nest-cli.json', 'package*.json'];

const files = globSync(SOURCES, { exclude: ['**/*.spec.ts'] }).sort();
const hash = createHash('sha256');
for (const file of files) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
const digest = hash.digest('hex');

if (!existsSync(MARK) || readFileSync(MARK, 'utf8') !== digest) {
  const { status } = spawnSync('nest build', { shell: true, stdio: 'inherit' });
  if (status === 0) writeFileSync(MARK, digest);
  process.exitCode = status ?? 1;
}
