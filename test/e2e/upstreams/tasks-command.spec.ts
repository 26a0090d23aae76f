import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { CommandLine } from '../../support/command-line.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { ROOT } from '../../support/type-check.js';

const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.yaml'));

describe('frontrunner check and schema', () => {
  const directory = temporaryDirectory();
  const committed = readFileSync(join(ROOT, 'tasks.schema.json'), 'utf8');

  const line = new CommandLine(directory);
  const tasks = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    line.run(args, { env });

  writeFileSync(
    join(directory, 'good.yaml'),
    `tasks:
  one: { subTasks: [{ kind: class, class: Anything }] }
  two:
    subTasks:
      - { kind: http, name: a, url: 'https://a.example/', headers: { A: '\${A_KEY}' } }
      - { kind: class, class: Anything }
`,
  );
  writeFileSync(join(directory, 'bad.yaml'), 'tasks:\n  bad: { subTask: [] }\n');
  writeFileSync(join(directory, 'twin.yaml'), 'tasks: { one: { subTasks: [{ kind: class, class: C }] } }');

  const WARNING =
    'good.yaml:5:73: tasks.two.subTasks[0].headers.A: takes the environment variable A_KEY, which is not set; set it (a warning)\n';

  test('says what is wrong, and ends with 1 for it, as a process too', async () => {
    expect(await line.spawn(['check', 'bad.yaml', 'good.yaml'], { env: { A_KEY: 'x' } })).toEqual({
      code: 1,
      stdout: 'good.yaml: 2 tasks, 3 sub-tasks, no mistakes\n',
      stderr: expect.stringContaining('bad.yaml: 2 mistakes\n'),
    });
  });

  test('finds no mistake in a good file, and warns of variables that aren’t set', async () => {
    const stdout = 'good.yaml: 2 tasks, 3 sub-tasks, no mistakes\n';
    expect(await tasks(['check', 'good.yaml'])).toEqual({ code: 0, stdout, stderr: WARNING });
    expect(await tasks(['check', 'good.yaml'], { A_KEY: 'x' })).toEqual({ code: 0, stdout, stderr: '' });
  });

  test('warns of webhooks that a service with this environment could send nothing to', async () => {
    writeFileSync(
      join(directory, 'hooks.yaml'),
      `tasks:
  one:
    subTasks: [{ kind: class, class: Anything }]
    webhooks: [{ url: http://10.0.0.1/ }, { url: 'https://a.example/', secret: '\${HOOK_SECRET}' }]
`,
    );
    const { code, stderr } = await tasks(['check', 'hooks.yaml']);
    expect(code).toBe(0);
    expect(stderr.match(/webhooks\[\d\]\.\w+: .*(?=\n)/g)).toEqual([
      expect.stringMatching(/^webhooks\[0\]\.secret: is missing.*\(a warning\)$/),
      expect.stringMatching(/^webhooks\[0\]\.url: takes https/),
      expect.stringMatching(/^webhooks\[1\]\.secret: takes the environment variable HOOK_SECRET/),
    ]);
    const secret = `whsec_${'A'.repeat(32)}`;
    const able = { HOOK_SECRET: secret, WEBHOOK_SECRET: secret, DATABASE_URL: 'memory:' };
    const env = { ...able, WEBHOOK_ORIGINS: 'public,http://10.0.0.1' };
    expect(await tasks(['check', 'hooks.yaml'], env)).toMatchObject({ code: 0, stderr: '' });
    const wrong = await tasks(['check', 'hooks.yaml'], { WEBHOOK_SECRET: 'sesame' });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.not.stringContaining('sesame') });
  });

  test('tells of every mistake of several files', async () => {
    expect(await tasks(['check', 'bad.yaml', 'good.yaml', 'nowhere.yaml'], { A_KEY: 'x' })).toEqual({
      code: 1,
      stdout: 'good.yaml: 2 tasks, 3 sub-tasks, no mistakes\n',
      stderr: [
        'bad.yaml:2:3: tasks.bad.subTasks: is missing',
        'bad.yaml:2:10: tasks.bad.subTask: is not known here; is subTasks meant?',
        'bad.yaml: 2 mistakes',
        'nowhere.yaml: there is no such file; make it, or set another',
        'nowhere.yaml: 1 mistake',
        '',
      ].join('\n'),
    });
  });

  test('checks TASKS_FILE, of the environment or of the file .env, when it is given no other', async () => {
    expect(await tasks(['check'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Say which file holds the tasks: frontrunner check <file>, or set TASKS_FILE\n',
    });
    expect((await tasks(['check'], { TASKS_FILE: 'bad.yaml' })).stderr).toContain('bad.yaml: 2 mistakes');
    writeFileSync(join(directory, '.env'), 'TASKS_FILE=good.yaml\nA_KEY=x\n');
    expect(await tasks(['check'])).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(directory, '.env'));
    expect(await tasks(['check'], { TASKS_FILE: 'good.yaml, twin.yaml' })).toMatchObject({
      code: 1,
      stdout: 'good.yaml: 2 tasks, 3 sub-tasks, no mistakes\n',
      stderr: `${WARNING}twin.yaml:1:10: tasks.one: is the name of a task in good.yaml:2 too; rename one\ntwin.yaml: 1 mistake\n`,
    });
  });

  test('finds no mistake in the files of the guide’s page on short files, nor does the schema for editors', async () => {
    const page = readFileSync(join(ROOT, 'docs/guide/short-files.md'), 'utf8');
    const validate = new Ajv({ strict: false }).compile(JSON.parse(committed) as object);
    const examples = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, yaml]) => yaml!);
    expect(examples).toHaveLength(2);
    for (const yaml of examples) {
      writeFileSync(join(directory, 'short.yaml'), yaml);
      expect(await tasks(['check', 'short.yaml'])).toMatchObject({ code: 0 });
      expect(validate(parse(yaml, { merge: true })) || validate.errors).toBe(true);
    }
  });

  test('prints the schema that is committed as tasks.schema.json; if it is not: npm run -s tasks -- schema > tasks.schema.json', async () => {
    expect(await tasks(['schema'])).toEqual({ code: 0, stdout: committed, stderr: '' });
  });

  test.each(EXAMPLES)('checks examples/%s, to which the schema is no hindrance', async (name) => {
    const path = join(ROOT, 'examples', name);
    expect(await tasks(['check', path])).toMatchObject({ code: 0 });
    const validate = new Ajv({ strict: false }).compile(JSON.parse(committed) as object);
    expect(validate(parse(readFileSync(path, 'utf8'), { merge: true })) || validate.errors).toBe(true);
    expect(readFileSync(path, 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\.\/tasks\.schema\.json\n/,
    );
  });

  test('finds in the guide’s file no mistake, and after a change the one that the guide shows', async () => {
    const page = readFileSync(join(ROOT, 'docs/guide/tasks-file.md'), 'utf8');
    const yaml = /```yaml\n([^]*?)```/.exec(page)![1]!;
    writeFileSync(join(directory, 'tasks.yaml'), yaml);
    const { stdout } = await tasks(['check', 'tasks.yaml']);
    expect(page).toContain(`$ npx frontrunner check tasks.yaml\n${stdout}`);
    writeFileSync(join(directory, 'tasks.yaml'), yaml.replace('timeout: 2s', 'timeout: 2'));
    const { stderr } = await tasks(['check', 'tasks.yaml']);
    expect(page).toContain(`\`${stderr.split('\n', 1)[0]}\``);
  });

  describe('with --explain', () => {
    writeFileSync(
      join(directory, 'shown.yaml'),
      `tasks:
  pay:
    input: { type: object, properties: { amount: { type: integer } }, required: [amount] }
    subTasks:
      - { kind: http, name: a, method: POST, url: 'https://a.example/{amount}/\${PAY_KEY}', headers: { Authorization: 'Bearer \${PAY_KEY}' }, form: { sum: '{amount}' } }
      - { kind: http, name: b, url: 'https://b.example/{+amount}', start: { after: 1s } }
      - { kind: class, class: Anything, start: after-failure }
`,
    );
    const explain = (input: string, task = 'pay') =>
      tasks(['check', 'shown.yaml', '--explain', task, '--input', input], { PAY_KEY: 'k/ey-1234' });

    test('shows the requests that a task makes, without what is secret', async () => {
      const { code, stdout, stderr } = await explain('{"amount": 7}');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).not.toContain('1234');
      expect(stdout).toContain('\n# pay: a, starts at-once\nPOST https://a.example/7/[redacted]\n');
      expect(stdout).toContain('\nAuthorization: Bearer [redacted]\n');
      expect(stdout).toContain('\nidempotency-key: {run}/{sub-task}\n');
      expect(stdout).toContain('\n\nsum=7\n');
      expect(stdout).toContain('\n# pay: b, starts after 1s\nGET https://b.example/7\n');
      expect(stdout).toContain(
        '\n# pay: class Anything, starts after-failure\nNothing is known of its request',
      );
    });

    test('says by which proxy a request goes, without its password', async () => {
      writeFileSync(
        join(directory, 'proxied.yaml'),
        `origins:
  https://b.example: { proxy: none }
  https://c.example: { proxy: 'http://user:\${PASSWORD}@own.example:3128' }
tasks:
  buy: { subTasks: [${['a', 'b', 'c'].map((name) => `{ kind: http, name: ${name}, url: 'https://${name}.example/' }`).join(', ')}] }
`,
      );
      const shown = (env: Record<string, string>) =>
        tasks(['check', 'proxied.yaml', '--explain', 'buy'], {
          https_proxy: 'http://u:secret@all.example:80',
          ...env,
        });
      const { code, stdout } = await shown({ PASSWORD: 'secret' });
      expect(code).toBe(0);
      expect(stdout).toContain('at-once\n# through the proxy all.example\nGET https://a.example/\n');
      expect(stdout).toContain('at-once\nGET https://b.example/\n');
      expect(stdout).toContain('at-once\n# through the proxy own.example:3128\nGET https://c.example/\n');
      expect(stdout).not.toContain('secret');
      expect(await shown({})).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/PASSWORD, which is not set/),
      });
      expect((await shown({ https_proxy: 'ftp://none' })).stderr).toMatch(
        /HTTPS_PROXY is "ftp:\/\/none"; it takes/,
      );
    });

    test('exits with 1 where a variable that the task takes is not set', async () => {
      const unset = await tasks(['check', 'shown.yaml', '--explain', 'pay', '--input', '{"amount": 7}']);
      expect(unset.code).toBe(1);
      expect(unset.stdout).toContain('\nNothing is known of its request: ');
    });

    test('says where an input makes no request', async () => {
      expect(await explain('{"amount": 900000000000000000000}')).toMatchObject({ code: 0 });
      expect((await explain('{"amount": "7"}')).stderr).toMatch(
        /^pay doesn’t take this input: .*\/input\/amount/,
      );
      expect((await explain('{')).stderr).toMatch(/^--input takes JSON/);
      expect((await explain('{}', 'buy')).stderr).toBe('There is no task buy in these files\n');
      expect((await tasks(['check', 'shown.yaml', '--input', '{}'])).stderr).toMatch(
        /^--input is for --explain/,
      );
    });
  });

  test('prints a schema that finds what is misspelt', () => {
    const validate = new Ajv({ strict: false }).compile(JSON.parse(committed) as object);
    for (const file of [
      {},
      { tasks: { a: { subTask: [] } } },
      { tasks: { a: { subTasks: [{ kind: 'ftp' }] } } },
    ])
      expect(validate(file)).toBe(false);
  });

  test.each(['--help', '-h'])('say what they take with %s', async (option) => {
    const { code, stdout } = await tasks(['check', option]);
    expect(code).toBe(0);
    for (const word of ['TASKS_FILE', '--explain', '--input']) expect(stdout).toContain(word);
    expect((await tasks(['schema', option])).stdout).toContain('Usage: frontrunner schema');
  });

  test.each([
    ['schema', 'a'],
    ['check', '--all'],
  ])('is refused with %s %s', async (...args) => {
    const { code, stdout, stderr } = await tasks(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/--help says what there is\n$/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
