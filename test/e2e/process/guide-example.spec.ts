import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import supertest from 'supertest';
import ts from 'typescript';
import type * as appFile from '../../../src/app.module.js';
import type * as configFile from '../../../src/config/config.js';
import { CapturedLog } from '../../support/captured-log.js';
import { compilerOptions, ROOT, typeCheck } from '../../support/type-check.js';

const EXAMPLE = /```ts\n(\/\/ (src\/\S+)\n[^]*?)```/.exec(
  readFileSync(resolve(ROOT, 'docs/guide/typescript-tasks.md'), 'utf8'),
)!;
const code = EXAMPLE[1]!;
/** The test of the page on tests, as it would stand in this repository. */
const testCode = /```ts\n(\/\/ greet\.spec\.ts\n[^]*?)```/
  .exec(readFileSync(resolve(ROOT, 'docs/guide/testing.md'), 'utf8'))![1]!
  .replace("'@frontrunner/nestjs'", "'../index.js'")
  .replace("'@frontrunner/nestjs/testing'", "'../testing/index.js'");
const sourcePath = resolve(ROOT, EXAMPLE[2]!);
const builtPath = sourcePath.replace(`${ROOT}/src`, `${ROOT}/dist`).replace(/ts$/, 'js');

/** Compiles the examples as if they stood in `src/greet`; returns the JavaScript of the task and what is wrong with them. */
function compile() {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { ...compilerOptions(), module: ts.ModuleKind.ESNext },
    fileName: sourcePath,
  });
  const mistakes = typeCheck({ [EXAMPLE[2]!]: code, 'src/greet/greet.spec.ts': testCode });
  return { js: outputText, mistakes: Object.values(mistakes).flat() };
}

const built = (path: string) =>
  import(pathToFileURL(resolve(ROOT, 'dist', path)).href) as Promise<Record<string, never>>;

describe('the guide’s task of one’s own', () => {
  let app: NestExpressApplication;
  const { js, mistakes } = compile();

  beforeAll(async () => {
    mkdirSync(dirname(builtPath), { recursive: true });
    writeFileSync(builtPath, js);
    const { AppModule } = (await built('app.module.js')) as unknown as typeof appFile;
    const { parseConfig } = (await built('config/config.js')) as unknown as typeof configFile;
    const { setUp } = await built('app.setup.js');
    const { FastExpressAdapter } = await built('http/express-adapter.js');
    const { GreetModule } = await built('greet/greet.module.js');
    const module = await Test.createTestingModule({
      imports: [AppModule.with(parseConfig({ DATABASE_URL: 'memory:' })), GreetModule!],
    })
      .setLogger(new CapturedLog())
      .compile();
    const adapter = new (FastExpressAdapter as unknown as Type<never>)();
    app = module.createNestApplication<NestExpressApplication>(adapter, { bodyParser: false });
    (setUp as unknown as (app: NestExpressApplication, adapter: never, access: object) => void)(
      app,
      adapter,
      {},
    );
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    rmSync(dirname(builtPath), { recursive: true });
  });

  test('has under 30 lines and no mistake', () => {
    expect(code.trimEnd().split('\n').length).toBeLessThan(30);
    expect(mistakes).toEqual([]);
  });

  test('runs as it says', async () => {
    const url = await app.getUrl();
    const answer = await supertest(url)
      .post('/tasks/greet/runs')
      .send({ input: { name: 'Ada' } })
      .expect(200);
    expect(answer.body).toMatchObject({
      result: 'Hola, Ada',
      answeredBy: 'spanish',
      background: ['english'],
    });
    const refused = await supertest(url)
      .post('/tasks/greet/runs')
      .send({ input: { name: '' } })
      .expect(400);
    expect(refused.body).toMatchObject({ errors: [{ pointer: '/input/name' }] });
  });
});
