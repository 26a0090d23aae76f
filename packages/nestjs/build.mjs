/** Compiles what the package exports from the sources of the repository, and brings along what stands beside them. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(here('dist'), { recursive: true, force: true });
const tsc = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
const { status } = spawnSync(process.execPath, [tsc, '-p', here('tsconfig.json')], { stdio: 'inherit' });
copyFileSync(here('../../LICENSE'), here('LICENSE'));
rmSync(here('ui'), { recursive: true, force: true });
cpSync(here('../../ui'), here('ui'), { recursive: true });
// Half as long without its spaces.
writeFileSync(
  here('openapi.json'),
  JSON.stringify(JSON.parse(readFileSync(here('../../openapi.json'), 'utf8'))),
);
process.exitCode = status ?? 1;
