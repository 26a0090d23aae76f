import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import openapiTypeScript, { astToString } from 'openapi-typescript';
import { TestApp } from '../../support/test-app.js';
import { ROOT, typeCheck, type Mistake } from '../../support/type-check.js';

const PAGE = readFileSync(join(ROOT, 'docs/guide/typed-client.md'), 'utf8');
const PROGRAM = /```ts\n(\/\/ client\.ts\n[^]*?)```/.exec(PAGE)![1]!;

/** What the program says, and mistakes that could be made there. */
const wrong = {
  path: ["'/runs/{id}'", "'/run/{id}'"],
  method: ["api.GET('/runs", "api.PUT('/runs"],
  'parameter of the path': ["{ name: 'demo' }", '{ task: 1 }'],
  'member of the body': ["losers: 'cancel'", "loosers: 'cancel'"],
  'choice in the body': ["losers: 'cancel'", "losers: 'kill'"],
  'type in the body': ['quorum: 2 }', "quorum: 'two' }"],
  'member of the answer': ['run?.status', 'run?.state'],
  'member of the problem': ['error.detail', 'error.message'],
} as const;

const edited = ([right, mistaken]: readonly [string, string]): string => PROGRAM.replace(right, mistaken);

describe('the guide’s client, with the types that openapi-typescript makes of /openapi.json', () => {
  let service: TestApp;
  let mistakes: Record<string, Mistake[]>;

  beforeAll(async () => {
    service = await TestApp.start({ makesDocument: true });
    const types = await openapiTypeScript(new URL('/openapi.json', service.url));
    mistakes = typeCheck({
      'frontrunner.ts': astToString(types),
      'client.ts': PROGRAM,
      ...Object.fromEntries(Object.entries(wrong).map(([what, edit]) => [`${what}.ts`, edited(edit)])),
    });
  });
  afterAll(() => service.close());

  test('compiles', () => {
    expect(mistakes['frontrunner.ts']).toEqual([]);
    expect(mistakes['client.ts']).toEqual([]);
  });

  test.each(Object.entries(wrong))('does not compile with a wrong %s', (what, edit) => {
    expect(PROGRAM).toContain(edit[0]);
    const line = edited(edit)
      .split('\n')
      .find((line) => line.includes(edit[1]));
    expect(mistakes[`${what}.ts`]![0]?.line).toBe(line?.trim());
  });

  test('runs, and reads what the types say', async () => {
    const client = spawn(process.execPath, ['--input-type=module-typescript', '--eval', PROGRAM], {
      cwd: ROOT,
      env: { FRONTRUNNER_URL: service.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = await text(client.stdout);
    expect(output).toMatch(/^(running|succeeded) first \w+, second \w+, third \w+\n$/);
    expect(output.match(/(first|second|third) succeeded/g)?.length).toBeGreaterThanOrEqual(2);
  });
});
