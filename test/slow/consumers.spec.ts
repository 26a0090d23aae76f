import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { command, compile, install, megabytesOf, nodes, pack } from '../support/consumers.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { ROOT } from '../support/type-check.js';

const SLOW_MS = 240_000;
const MAJORS = [22, 24, 26];
/** The drivers of Postgres, and the large ones of the packages that they alone need. */
const FOR_POSTGRES = ['pg', 'pg-boss', 'luxon', 'cron-parser'];

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

describe('what is packed', () => {
  const folder = temporaryDirectory();
  let library: string;
  let service: string;
  let node: Record<number, string>;
  beforeAll(async () => {
    [library, service, node] = await Promise.all([
      pack(folder, '@frontrunner/nestjs'),
      pack(folder),
      nodes(join(folder, 'nodes')),
    ]);
  }, SLOW_MS);

  describe.each([
    { name: 'a Nest 12 ES module', nest: '^12.0.0', type: 'module', adapter: 'express' },
    { name: 'a Nest 11 CommonJS', nest: '^11.0.0', type: 'commonjs', adapter: 'express' },
    { name: 'a Fastify', nest: '^12.0.0', type: 'module', adapter: 'fastify' },
  ] as const)('in $name application', ({ name, nest, type, adapter }) => {
    const app = join(folder, name.replaceAll(' ', '-'));
    let complaints: string[];
    let megabytesOfNest: number;
    beforeAll(async () => {
      const own = {
        '@nestjs/common': nest,
        '@nestjs/core': nest,
        '@nestjs/platform-express': nest,
        ...(adapter === 'fastify' && { '@nestjs/platform-fastify': nest }),
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.2',
      };
      await install(app, own, type);
      megabytesOfNest = megabytesOf(join(app, 'node_modules'));
      await install(app, { ...own, '@frontrunner/nestjs': `file:${library}`, zod: '^4.0.0' }, type);
      complaints = compile(app, adapter);
    }, SLOW_MS);

    test('has types that compile, and that know what a task takes', () => {
      expect(complaints).toEqual([]);
    });

    test('brings at most 15 MB, and no node', () => {
      const installed = join(app, 'node_modules');
      expect(megabytesOf(installed) - megabytesOfNest).toBeLessThan(15);
      expect(existsSync(join(installed, '.bin/node'))).toBe(false);
    });

    test.each(MAJORS)('runs tasks on Node %i, and ends by itself after app.close()', async (major) => {
      const { code, stdout, stderr } = await command(app, node[major]!, ['dist/main.js']);
      expect({ code, stderr: withoutWarnings(stderr) }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('Refused with 400 invalid-request');
      const result = stdout.trim().split('\n').at(-1)!;
      expect(JSON.parse(result)).toEqual({
        own: 'Hola, Ada (spanish)',
        run: expect.objectContaining({ result: { text: 'Hola, Grace' }, answeredBy: 'spanish' }),
        refused: expect.objectContaining({ status: 400, errors: [expect.anything()] }),
        runs: expect.objectContaining({ runs: [expect.objectContaining({ task: 'greet' })] }),
        document: expect.objectContaining({ openapi: '3.1.0' }),
        page: [200, 200, 200, 200, 200],
        told: ['run.finished', 'run.finished'],
      });
    });
  });

  test('says at its start what the page needs where that is not installed', async () => {
    const app = join(folder, 'a-Fastify');
    const [preact, away] = ['node_modules/preact', 'preact-away'].map((path) => join(app, path)) as [
      string,
      string,
    ];
    renameSync(preact, away);
    const { code, stdout, stderr } = await command(app, process.execPath, ['dist/main.js']);
    renameSync(away, preact);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('npm i preact htm uplot');
  });

  test('names all packages that the library imports, and no others', () => {
    const { dependencies, peerDependencies } = manifestOf('packages/nestjs');
    const dist = join(ROOT, 'packages/nestjs/dist');
    const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.js'),
    );
    const imported = files.flatMap((file) =>
      ts.preProcessFile(readFileSync(join(dist, file), 'utf8')).importedFiles.map(({ fileName }) => fileName),
    );
    const packages = imported
      .filter((name) => !/^(\.|node:)/.test(name))
      .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
    const named = Object.keys({ ...dependencies, ...peerDependencies });
    // Three are the page's, one is required by a worker, one by Nest, and two have but types.
    const others = [
      'htm',
      'preact',
      'uplot',
      'jsonata',
      'reflect-metadata',
      '@standard-schema/spec',
      '@types/ms',
    ];
    expect([...new Set([...packages, ...others])].sort()).toEqual(named.sort());
  });

  test('has nothing that publint complains of', async () => {
    for (const packed of [library, service]) {
      const { stdout, code } = await command(ROOT, process.execPath, [
        'node_modules/publint/src/cli.js',
        packed,
        '--strict',
      ]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('All good!') });
    }
  });

  /**
   * The library is ESM alone: `require()` loads it on every Node that it runs on, which the rule `cjs-resolves-to-esm` doesn't know. TypeScript
   * knows with `module` `nodenext`; its older `moduleResolution` `node10` reads no `exports`, and `typesVersions` stands in for them.
   */
  test('has types that all kinds of resolution find', async () => {
    const cli = 'node_modules/@arethetypeswrong/cli/dist/index.js';
    const args = [cli, library, '--ignore-rules', 'cjs-resolves-to-esm', '--format', 'ascii', '--no-color'];
    const { code, stdout } = await command(ROOT, process.execPath, args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('No problems found') });
  });

  describe('as the command alone', () => {
    const app = join(folder, 'command');
    beforeAll(async () => {
      await install(app, { frontrunner: `file:${service}` }, 'module');
    }, SLOW_MS);

    test('takes at most 60 MB without Postgres, and brings no node', () => {
      const installed = join(app, 'node_modules');
      const forPostgres = FOR_POSTGRES.map((name) => megabytesOf(join(installed, name)));
      expect(megabytesOf(installed) - forPostgres.reduce((sum, more) => sum + more)).toBeLessThan(60);
      expect(existsSync(join(installed, '.bin/node'))).toBe(false);
    });

    test.each(MAJORS)('serves on Node %i, runs a task, and stops when it is told to', async (major) => {
      const frontrunner = 'node_modules/frontrunner/bin/frontrunner.cjs';
      const flags = ['--port', '0', '--database', 'memory:', '--demo'];
      const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:1';
      const env = { ...process.env, DEMO_TIME_SCALE: '0.001', OTEL_EXPORTER_OTLP_ENDPOINT };
      const served = spawn(node[major]!, [frontrunner, 'serve', ...flags], { cwd: app, env });
      const ended = once(served, 'close');
      let url: string | undefined;
      let beforeUrl = '';
      for await (const line of createInterface(served.stdout)) {
        url = /Listening on (http:\S+)/.exec(line)?.[1];
        if (url !== undefined) break;
        beforeUrl += line;
      }
      expect(beforeUrl).toContain('npm i @opentelemetry/sdk-node');
      const run = await command(app, node[major]!, [frontrunner, 'run', 'demo', '--wait', '--url', url!]);
      expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('First result') });
      served.stdout.resume();
      served.kill();
      expect(await ended).toEqual([0, null]);
    });
  });
});

function manifestOf(path: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as Manifest;
}

/** Node 22 says of SQLite that it is experimental. */
function withoutWarnings(text: string): string {
  return text.replaceAll(/^\(.*\n/gm, '');
}
