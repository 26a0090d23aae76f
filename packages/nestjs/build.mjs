/** Compiles what the package exports from the sources of the repository, and brings along what stands beside them. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const filesOf = (ending) =>
  readdirSync(here('dist'), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(here('dist'), name));

rmSync(here('dist'), { recursive: true, force: true });
const tsc = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
// `npm run check` checks the types, which takes longer than all of this.
const args = [tsc, '-p', here('tsconfig.json'), '--noCheck'];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
// Nobody needs comments at run time: they are a sixth of the code. Declarations keep theirs.
const compact = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, removeComments: true };
for (const path of filesOf('.js')) {
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), { compilerOptions: compact });
  writeFileSync(path, outputText);
}
// Hosts without an optional peer of which our own types speak take those for `any`.
for (const path of filesOf('.d.ts')) {
  const text = readFileSync(path, 'utf8');
  const ignored = text.replace(/^.* from '@opentelemetry\/api';$/gm, '// @ts-ignore\n$&');
  if (ignored !== text) writeFileSync(path, ignored);
}
// Nobody can import the declarations that neither entry leads to: they are two thirds of all.
const reached = new Set();
const reach = (path) => {
  if (reached.has(path)) return;
  reached.add(path);
  for (const { fileName } of ts.preProcessFile(readFileSync(path, 'utf8')).importedFiles)
    if (fileName.startsWith('.')) reach(join(dirname(path), fileName.replace(/\.[jt]s$/, '.d.ts')));
};
for (const entry of ['dist/index.d.ts', 'dist/testing/index.d.ts']) reach(here(entry));
for (const path of filesOf('.d.ts')) if (!reached.has(path)) rmSync(path);
copyFileSync(here('../../LICENSE'), here('LICENSE'));
rmSync(here('ui'), { recursive: true, force: true });
cpSync(here('../../ui'), here('ui'), { recursive: true });
// Half as long without its spaces.
writeFileSync(
  here('openapi.json'),
  JSON.stringify(JSON.parse(readFileSync(here('../../openapi.json'), 'utf8'))),
);
process.exitCode = status ?? 1;
