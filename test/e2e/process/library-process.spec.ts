import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { variables } from '../../../src/config/variables.js';
import { DatabaseFile } from '../../support/database-file.js';
import { ROOT } from '../../support/type-check.js';

/** An application that has an instance in it, as a program of its own. It tells what its imports load, and what it reads of the environment. */
const PROGRAM = `
  import { registerHooks } from 'node:module';
  const loaded = [], read = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.env = new Proxy(process.env, {
    get: (environment, name) => (read.push(name), environment[name]),
  });
  const { Frontrunner, FrontrunnerModule, SubTask, TaskOf } = await import('${pathToFileURL(resolve(ROOT, 'dist/index.js')).href}');
  const imported = [...loaded];
  const { NestFactory } = await import('@nestjs/core');
  const { Module } = await import('@nestjs/common');
  const finish = new Promise((resolve) => process.once('message', resolve));
  class Slow { run = () => finish; }
  SubTask({ name: 'slow' })(Slow);
  class Race extends TaskOf({ name: 'race', subTasks: [Slow] }) {}
  class App {}
  Module({ imports: [
    FrontrunnerModule.forRoot({ database: process.argv[2], shutdownGrace: '1h' }),
    FrontrunnerModule.forFeature([Race, Slow]),
  ] })(App);
  const app = await NestFactory.createApplicationContext(App);
  app.enableShutdownHooks(['SIGTERM']);
  await app.get(Frontrunner).start(Race);
  process.send({ imported, read });
`;

describe('an instance in a process of its own', () => {
  let file: DatabaseFile;
  beforeEach(() => {
    file = new DatabaseFile();
  });
  afterEach(() => {
    file.remove();
  });

  test('loads at its import what all need, reads no variable, and finishes what is running after SIGTERM', async () => {
    const program = join(file.directory, 'app.mjs');
    writeFileSync(program, PROGRAM);
    symlinkSync(join(ROOT, 'node_modules'), join(file.directory, 'node_modules'));
    const child = spawn(process.execPath, [program, file.url], {
      env: { PORT: 'abc', DATABASE_URL: 'nothing', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [{ imported, read }] = (await once(child, 'message')) as [Record<'imported' | 'read', string[]>];
    expect(imported).toContainEqual(expect.stringMatching(/\/node_modules\/rxjs\//));
    const needless =
      /\/node_modules\/(express|@nestjs\/(swagger|platform-express|terminus)|pg|pg-boss|kysely|yaml|ajv|undici|jsonata|pino)\//;
    expect(imported.filter((url) => needless.test(url))).toEqual([]);
    expect(read.filter((name) => name in variables)).toEqual([]);

    let log = '';
    let told = false;
    child.stdout!.on('data', (chunk: Buffer) => {
      log += String(chunk);
      if (told || !log.includes('Stopping: 1 unfinished runs')) return;
      told = true;
      child.send('finish');
    });
    child.kill('SIGTERM');
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    expect(signal).toBe('SIGTERM');
    expect(log).toContain('Stopped');
    expect(file.runs()).toBe(1);
    expect(file.flaws()).toEqual([]);
  });
});
