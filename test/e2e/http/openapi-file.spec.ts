import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { TestApp } from '../../support/test-app.js';
import { ROOT } from '../../support/type-check.js';

const REDOCLY = createRequire(import.meta.url).resolve('@redocly/cli/bin/cli.js');

describe('openapi.json', () => {
  const directory = temporaryDirectory();
  const committed = readFileSync(join(ROOT, 'openapi.json'), 'utf8');
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ makesDocument: true });
  });
  afterAll(() => service.close());

  test('is up to date; if it is not: run npm run openapi, and commit what it writes', async () => {
    const served = await service.http.get('/openapi.json').expect(200);
    expect(`${JSON.stringify(served.body, undefined, 2)}\n`).toBe(committed);
  });

  test('is written by npm run openapi, which starts nothing', async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    expect(scripts.openapi).toBe('node build-if-changed.mjs && node dist/openapi-file.js');
    const writer = spawn(process.execPath, [join(ROOT, 'dist/openapi-file.js')], {
      cwd: directory,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    expect(await once(writer, 'exit')).toEqual([0, null]);
    expect(readdirSync(directory)).toEqual(['openapi.json']);
    expect(readFileSync(join(directory, 'openapi.json'), 'utf8')).toBe(committed);
  });

  test('has no errors and no warnings by the recommended rules of Redocly, which check its examples too', async () => {
    // Node’s permissions let the linter read and nothing else: it reaches no network.
    const linter = spawn(
      process.execPath,
      ['--permission', '--allow-fs-read=*', REDOCLY, 'lint', '--format=json'],
      { cwd: ROOT, env: { REDOCLY_TELEMETRY: 'off' }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const { totals, problems } = (await json(linter.stdout)) as { totals: object; problems: object[] };
    expect(problems).toEqual([]);
    expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
  });
});
