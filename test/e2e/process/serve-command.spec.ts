import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { CommandLine } from '../../support/command-line.js';
import { ServiceProcess } from '../../support/service-process.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { ROOT } from '../../support/type-check.js';

const BIN = join(ROOT, 'bin/frontrunner.cjs');

describe('frontrunner', () => {
  const directory = temporaryDirectory();
  const line = new CommandLine(directory);
  const { version, scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    scripts: Record<string, string>;
  };

  test('says which one it is, also as a process', async () => {
    expect(await line.spawn(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('lists its commands, each of which says what it takes', async () => {
    const { code, stdout } = await line.run([]);
    expect(code).toBe(0);
    expect(await line.run(['--help'])).toEqual({ code: 0, stdout, stderr: '' });
    const names = [...stdout.matchAll(/^ {2}(\w+) +\w/gm)].map(([, name]) => name!);
    expect(names.toSorted().join(' ')).toBe(
      'check init journal keys nodes queue run runs schema serve watch',
    );
    const page = readFileSync(join(ROOT, 'docs/guide/command-line.md'), 'utf8');
    for (const name of names) {
      const help = await line.run([name, '--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`^Usage: frontrunner ${name}\\b`));
      expect(page).toContain(`\`frontrunner ${name}`);
    }
    for (const name of ['keys', 'journal', 'queue', 'nodes'])
      expect(await line.run([name])).toEqual({
        ...{ code: 2, stdout: '' },
        stderr: expect.stringMatching(new RegExp(`^Usage: frontrunner ${name}\\b`)),
      });
  });

  test.each(['serve', 'run'])('has no fault when nobody reads what %s --help says', async (name) => {
    const child = spawn(process.execPath, [BIN, name, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('is what the scripts of the repository call, built if the sources have changed', () => {
    const faces = {
      start: ' serve --demo',
      tasks: '',
      keys: ' keys',
      journal: ' journal',
      queue: ' queue',
      nodes: ' nodes',
    };
    for (const [script, args] of Object.entries(faces))
      expect(scripts[script]).toBe(`node build-if-changed.mjs && node bin/frontrunner.cjs${args}`);
  });

  test('says what is meant by a command that it has not', async () => {
    const stderr = 'There is no command serv; did you mean serve?\n';
    expect(await line.run(['serv'])).toEqual({ code: 2, stdout: '', stderr });
    expect((await line.run(['dance'])).stderr).toMatch(/frontrunner --help lists them\n$/);
  });

  test.each([
    ['18.20.8', false],
    ['22.18.0', false],
    ['22.19.0', true],
    ['24.0.0', true],
  ])('on Node %s says that it is too old before it loads anything, or begins', (node, begins) => {
    const source = readFileSync(BIN, 'utf8').replace(/^#!.*/, '');
    let said = '';
    let begun = false;
    runInNewContext(source, {
      process: { versions: { node }, stderr: { write: (text: string) => (said += text) } },
      require: () => ({ main: () => (begun = true) }),
    });
    expect(begun).toBe(begins);
    if (!begins) expect(said).toContain(`needs Node 22 or newer (22.19 at the least); this is Node ${node}`);
  });

  test('starts with files that work, and never writes over any', async () => {
    expect(await line.run(['init'])).toMatchObject({ code: 0, stdout: 'tasks.yaml\ntasks.schema.json\n' });
    expect(await line.run(['check', 'tasks.yaml'])).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(directory, 'tasks.schema.json'))).toEqual(
      readFileSync(join(ROOT, 'tasks.schema.json')),
    );
    writeFileSync(join(directory, 'tasks.yaml'), 'mine');
    expect(await line.run(['init'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tasks.yaml is there already/),
    });
    expect(readFileSync(join(directory, 'tasks.yaml'), 'utf8')).toBe('mine');
    rmSync(join(directory, 'tasks.yaml'));
    expect(await line.run(['init'])).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: expect.stringMatching(/^tasks.schema.json is there already/),
    });
    expect(existsSync(join(directory, 'tasks.yaml'))).toBe(false);
    expect(await line.run(['init', '--folder', 'tasks.schema.json'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^\S+tasks.yaml can’t be written \(.*\); name another --folder\n$/),
    });
    expect((await line.run(['init', '--folder', 'new'])).stderr).toContain(
      `frontrunner serve ${join('new', 'tasks.yaml')} --port 3000 --watch`,
    );
    const written = await line.run(['init', 'nest', '--folder', 'app']);
    expect(written).toMatchObject({
      code: 0,
      stdout: `${join('app', 'src/greet/greet.module.ts')}\n`,
      stderr: expect.stringMatching(/^Next, in app: npm i @frontrunner\/nestjs/),
    });
    expect((await line.run(['init', 'rust'])).stderr).toMatch(/^It takes tasks, or nest/);
  });
});

describe('frontrunner serve', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'mine.yaml');
  const task = (name: string) =>
    `tasks: { ${name}: { subTasks: [{ name: a, kind: http, url: 'https://a.example' }] } }`;

  test('takes flags before the environment, and that before the file .env; reloads, opens the page, has no demo', async () => {
    writeFileSync(file, task('one'));
    const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
    writeFileSync(
      join(directory, opener),
      '#!/bin/sh\ncd "$(dirname "$0")" && echo "$1" > part && mv part opened\n',
    );
    chmodSync(join(directory, opener), 0o755);
    const service = await ServiceProcess.start({
      program: BIN,
      args: ['serve', 'mine.yaml', '--port', '0', '--watch', '--open'],
      env: { PORT: 'abc', DATABASE_URL: 'memory:', PATH: `${directory}:${process.env.PATH ?? ''}` },
      envFile: 'DATABASE_URL=nonsense\nMAX_WAIT=1s\nTASKS_FILE=none.yaml\n',
      directory,
    });
    await service.line(/^1 task from mine\.yaml: one$/);
    await service.http.get('/run-tasks').expect(404);
    await service.http.get('/tasks/demo').expect(404);
    await service.line(/try: curl -i http:\S+\/tasks$/);
    writeFileSync(file, task('two'));
    await service.line(/^Reloaded: 1 task from mine\.yaml: two$/);
    const opened = join(directory, 'opened');
    while (!existsSync(opened)) await delay(20);
    expect(readFileSync(opened, 'utf8')).toBe(`${service.url}/docs\n`);
    expect(await service.stop()).toBe(0);
  });

  test('has the demo with --demo, and says what keeps it from starting', async () => {
    const taken = await ServiceProcess.run({
      program: BIN,
      args: ['serve', '--demo'],
      env: { DEMO: 'perhaps', DATABASE_URL: 'nonsense' },
    });
    expect(taken).toMatchObject({ code: 1, stdout: '' });
    expect(taken.stderr).toMatch(
      /^The configuration is wrong:\n {2}DATABASE_URL is "nonsense"; it takes .*\n$/,
    );
  });
});
