import { describe, expect, test } from '@jest/globals';
import { withMissingPackage } from './missing-package.js';
import { FrontrunnerModule } from './frontrunner.module.js';
import { configOf, type FrontrunnerOptions } from './options.js';

const guard = { canActivate: () => true };
const client = () => Promise.resolve('ada');

describe('options', () => {
  test.each<[unknown, string]>([
    [null, 'forRoot is null; it takes an object of options'],
    [[], 'forRoot is a list; it takes an object of options'],
    [{ databse: 'memory:' }, 'databse is not known here; it takes database,'],
    [{ toString: 1 }, 'toString is not known here'],
    [{ database: '' }, 'database is ""; it takes a text or a number'],
    [{ database: () => 'memory:' }, 'database is a function; it takes'],
    [{ maxConcurrentSubTasks: Symbol('x') }, 'maxConcurrentSubTasks is a symbol; it takes'],
    [{ maxConcurrentSubTasks: 5n }, 'maxConcurrentSubTasks is a bigint; it takes'],
    [{ maxConcurrentSubTasks: Infinity }, 'maxConcurrentSubTasks is "Infinity"; it takes a whole number'],
    [{ environment: 'x' }, 'environment is "x"; it takes an object such as process.env'],
    [{ http: 'yes' }, 'http is "yes"; it takes true, false or an object of options'],
    [{ http: { pth: 'x' } }, 'http.pth is not known here; it takes publicUrl,'],
    [{ http: { path: 5 } }, 'http.path is a number; it takes one segment or more'],
    [{ http: { path: '..' } }, 'http.path is ".."; it takes'],
    [{ http: { path: 'a/./b' } }, 'http.path is "a/./b"; it takes'],
    [{ http: { guards: guard } }, 'http.guards is an object; it takes a list of guards'],
    [
      { http: { guards: [guard, undefined] } },
      'http.guards[1] is undefined; it takes a class with canActivate',
    ],
    [{ http: { client: 'ada' } }, 'http.client is "ada"; it takes a function'],
    [{ http: { client: async () => client() } }, 'http.client is asynchronous; it takes a function'],
    [{ http: { ui: 'ui' } }, 'http.ui is "ui"; it takes true or false'],
    [{ http: { openApi: 'no' } }, 'http.openApi is "no"; it takes true or false'],
  ])('that are wrong are named: %p', (options, flaw) => {
    expect(() => configOf(options as FrontrunnerOptions)).toThrow(flaw);
  });

  test('keep what is undefined at its default, and files as they are called', () => {
    const config = configOf({ database: undefined, http: { guards: [guard], path: 'a.b/c' } } as object, [
      'a, b.yaml',
    ]);
    expect(config).toMatchObject({ DATABASE_URL: { kind: 'sqlite' }, TASKS_FILE: ['a, b.yaml'] });
  });

  test('tell no secret that is wrong', () => {
    for (const option of ['secretsKey', 'webhookSecret'])
      expect(() => configOf({ [option]: 'sesame' })).toThrow(
        `${option} is not what it takes; it takes none, or`,
      );
    expect(configOf({ webhookOrigins: 'http://127.0.0.1:4000' }).WEBHOOK_ORIGINS).toEqual({
      isPublic: false,
      origins: ['http://127.0.0.1:4000'],
    });
  });

  test.each([[[]], [''], [undefined], [['a.yaml', 5]]])('of forFile name a file: %p', (files) => {
    expect(() => FrontrunnerModule.forFile(files as string[])).toThrow('forFile is');
  });

  test.each([
    ['@nestjs/platform-express', 'npm i @nestjs/platform-express'],
    ['pg-boss', 'npm i pg pg-boss'],
    ['url-template', 'npm i ajv eventsource-parser jsonata undici url-template yaml'],
  ])('that need %s say what to install where it is missing', (name, mend) => {
    const missing = Object.assign(new Error(`Cannot find package '${name}' imported from a.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    expect((withMissingPackage(missing) as Error).message).toContain(mend);
  });
});
