import { rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import ts from 'typescript';
import type { Frontrunner as FrontrunnerClass } from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { DatabaseFile } from '../../support/database-file.js';
import { ownAppFiles } from '../../support/own-app-files.js';
import { compilerOptions, ROOT } from '../../support/type-check.js';

const file = new DatabaseFile();

const files = ownAppFiles(file.url);
const built = (name: string) => resolve(ROOT, 'dist/library', `${name}.js`);

interface Greeter {
  readonly finished: number;
  greet(name: string): Promise<string>;
}

describe('the guide’s own app', () => {
  let app: INestApplicationContext;
  let greeter: Greeter;
  let frontrunner: FrontrunnerClass;
  const load = (path: string) =>
    import(pathToFileURL(path).href) as Promise<Record<string, Type<never> | undefined>>;

  beforeAll(async () => {
    const options = { ...compilerOptions(), module: ts.ModuleKind.ESNext };
    for (const [name, code] of files)
      writeFileSync(built(name), ts.transpileModule(code, { compilerOptions: options }).outputText);
    const { AppModule, Greeter } = await load(built('own-app.module'));
    const { Frontrunner } = await load(resolve(ROOT, 'dist/index.js'));
    const module = await Test.createTestingModule({ imports: [AppModule!] })
      .setLogger(new CapturedLog())
      .compile();
    app = await module.init();
    greeter = app.get<Greeter>(Greeter!);
    frontrunner = app.get<FrontrunnerClass>(Frontrunner!);
  });
  afterAll(async () => {
    await app.close();
    for (const name of files.keys()) rmSync(built(name));
    file.remove();
  });

  test('answers as it says, and hears of the end of its run', async () => {
    expect(await greeter.greet('Ada')).toBe('Hola, Ada');
    const { runs } = await frontrunner.runs();
    const run = await frontrunner.run(runs[0]!.id);
    expect(await run.finished()).toMatchObject({
      status: 'succeeded',
      subTasks: [{ name: 'english', result: 'Hello, Ada' }, { name: 'spanish' }],
    });
  });
});
