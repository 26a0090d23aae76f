import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import type { HttpRequestOptions } from '../upstreams/http-sub-task.schema.js';
import { mistakeLines } from './mistake.js';
import { readTasksFiles } from './tasks-file.js';

const directory = temporaryDirectory();

/** Writes files into a folder of their own; returns the path of one in it. */
function write(folder: string, files: Readonly<Record<string, string>>): (name?: string) => string {
  const pathOf = (name = '') => join(directory, folder, name);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(pathOf(name)), { recursive: true });
    writeFileSync(pathOf(name), text);
  }
  return pathOf;
}

/** What a file declares and what is wrong with it; `calls` are what its sub-tasks over HTTP are made of. */
function read(text: string, environment: NodeJS.ProcessEnv = {}) {
  const calls: HttpRequestOptions[] = [];
  const path = write('one', { 'tasks.yaml': text })('tasks.yaml');
  const [file] = readTasksFiles([path], environment, {
    declarationOf: () => undefined,
    classes: new Map(),
    configure: () => undefined,
    handlerOf: (request) => (calls.push(request), { run: () => undefined }),
  });
  const linesOf = (mistakes: Parameters<typeof mistakeLines>[0]) =>
    mistakeLines(mistakes).map((line) => line.replace(`${path}:`, ''));
  return { tasks: file!.tasks, calls, mistakes: linesOf(file!.mistakes), unset: linesOf(file!.unset) };
}

describe('defaults of a tasks file', () => {
  test('give tasks and sub-tasks over HTTP what they lack, and of headers and retry each member', () => {
    const { tasks, calls, mistakes } = read(`defaults:
  task: { losers: cancel, hedgeBudget: 20%, reply: { policy: all } }
  http:
    method: POST
    headers: { Accept-Language: de, X-From: us }
    timeout: 2s
    retry: { attempts: 3, delay: 1s }
    expect: { status: [200], body: { type: object } }
tasks:
  t:
    reply: { policy: quorum, quorum: 1 }
    subTasks:
      - { name: a, kind: http, url: https://a.example }
      - name: b
        kind: http
        url: https://b.example
        headers: { accept-language: en }
        retry: { attempts: 2 }
        expect: { status: [201] }
`);
    expect(mistakes).toEqual([]);
    expect(tasks).toMatchObject([
      { losers: 'cancel', hedgeBudget: 0.2, reply: { policy: 'quorum', quorum: 1 } },
    ]);
    expect(tasks[0]?.subTasks).toMatchObject([
      { timeoutMs: 2_000, retry: { attempts: 3, delayMs: 1_000 } },
      { timeoutMs: 2_000, retry: { attempts: 2, delayMs: 1_000 } },
    ]);
    expect(calls).toEqual([
      {
        url: 'https://a.example',
        method: 'POST',
        headers: { 'Accept-Language': 'de', 'X-From': 'us' },
        expect: { status: [200], body: { type: 'object' } },
      },
      {
        url: 'https://b.example',
        method: 'POST',
        headers: { 'accept-language': 'en', 'X-From': 'us' },
        expect: { status: [201] },
      },
    ]);
  });

  test('have their mistakes where they stand, once, also those that only a sub-task has', () => {
    const { mistakes, unset } = read(`defaults:
  task: { loosers: cancel }
  http: { timeout: 2, url: https://a.example, result: '/\${A}', body: { city: '{citty}', key: '\${KEY}' } }
tasks:
  t:
    input: { properties: { city: {} }, additionalProperties: false }
    subTasks:
      - { name: a, kind: http, method: POST, url: https://a.example }
      - { name: b, kind: http, url: https://b.example }
  u: { subTasks: [{ name: c, kind: http, method: PUT, url: https://a.example }] }
`);
    expect(mistakes).toEqual([
      '2:11: defaults.task.loosers: is not known here; is losers meant?',
      '3:20: defaults.http.timeout: takes a text such as "2s", not a number',
      expect.stringContaining(
        '3:23: defaults.http.url: is not known here; there are method, headers, forwardHeaders, body,',
      ),
      expect.stringContaining('3:55: defaults.http.result: has ${A}, which is taken in'),
      '3:70: defaults.http.body: a GET has no body; write method: POST, or put it into the query (for tasks.t.subTasks[1].body)',
    ]);
    expect(unset).toEqual([]);
  });

  test('warn of a variable once, and of a member that one task has not', () => {
    const { mistakes, unset } = read(`defaults:
  http: { method: POST, headers: { A: '\${KEY}', B: '{town}' } }
tasks:
  t: { subTasks: [{ name: a, kind: http, url: https://a.example }] }
  u:
    input: { properties: { city: {} }, additionalProperties: false }
    subTasks: [{ name: a, kind: http, url: https://a.example }]
`);
    expect(mistakes).toEqual([
      '2:52: defaults.http.headers.B: has {town}, but no input has a member town; there are city (for tasks.u.subTasks[0].headers.B)',
    ]);
    expect(unset).toEqual([
      '2:39: defaults.http.headers.A: takes the environment variable KEY, which is not set; set it',
    ]);
  });
});

describe('what a tasks file repeats', () => {
  test('may stand in blocks whose names begin with x-, and be merged', () => {
    const { tasks, calls, mistakes } = read(`x-call: &call
  kind: http
  timeout: 2s
  retry: { attempts: 3 }
x-more: [&slow { timeout: 9s, concurrency: 5, method: POST }, anything]
tasks:
  t:
    <<: { losers: cancel }
    subTasks:
      - { <<: *call, name: a, url: https://a.example }
      - { name: b, url: https://b.example, retry: { attempts: 2 }, <<: [*call, *slow] }
      - { name: c, url: https://c.example, <<: { <<: *call, method: PUT } }
`);
    expect(mistakes).toEqual([]);
    expect(tasks[0]).toMatchObject({ losers: 'cancel' });
    expect(tasks[0]?.subTasks).toMatchObject([
      { name: 'a', timeoutMs: 2_000, retry: { attempts: 3 }, concurrency: Infinity },
      { name: 'b', timeoutMs: 2_000, retry: { attempts: 2 }, concurrency: 5 },
      { name: 'c', timeoutMs: 2_000, retry: { attempts: 3 } },
    ]);
    expect(calls.map(({ method }) => method)).toEqual([undefined, 'POST', 'PUT']);
  });

  test('has its mistakes where it stands, and once', () => {
    const { mistakes } = read(`x-call: &call
  kind: http
  timeout: 2
  retry: { attemps: 3 }
x-bad: !!binary aGk=
tasks:
  t:
    subTasks:
      - { <<: *call, name: a, url: https://a.example }
      - { <<: *call, name: b, url: https://b.example }
      - { <<: *call, name: c }
`);
    expect(mistakes).toEqual([
      '3:12: tasks.t.subTasks[0].timeout: takes a text such as "2s", not a number',
      '4:12: tasks.t.subTasks[0].retry.attemps: is not known here; is attempts meant?',
      '5:17: x-bad: has the tag tag:yaml.org,2002:binary; take it out: it takes what JSON can hold',
      expect.stringContaining('11:9: tasks.t.subTasks[2].url: is missing'),
    ]);
  });

  test.each([
    [
      'what is no members',
      '<<: 5',
      '3:7: tasks.t["<<"]: takes an alias of members, or a list of such aliases',
    ],
    ['nothing', '<<:', '3:6: tasks.t["<<"]: takes an alias of members, or a list of such aliases'],
    ['a list of something else', '<<: [5]', '3:7: tasks.t["<<"]: takes an alias of members'],
    [
      'an alias of nothing',
      '<<: *none',
      '3:7: tasks.t["<<"]: refers to &none, which doesn’t stand before it',
    ],
    ['itself', 'input: &i { not: { <<: *i } }', '3:26: tasks.t.input.not["<<"]: stands within &i'],
    ['two of them', '<<: {}\n  <<: {}', '4:3: tasks.t["<<"]: stands twice, first in line 3; remove one'],
  ])('can’t merge %s', (_what, member, mistake) => {
    const { mistakes } = read(`tasks:
 t:
  ${member}
  subTasks: [{ name: a, kind: http, url: https://a.example }]
`);
    expect(mistakes).toEqual([expect.stringContaining(mistake)]);
  });

  test('is no merge where the name is quoted, and no block below the top', () => {
    const { mistakes } = read(
      '{ "tasks": { "t": { "<<": {}, "x-a": 1, "subTasks": [{ "kind": "class", "class": "A" }] } } }',
    );
    expect(mistakes).toContainEqual(expect.stringContaining('tasks.t["<<"]: is not known here'));
    expect(mistakes).toContainEqual(expect.stringContaining('tasks.t.x-a: is not known here'));
  });

  test('can’t be merged into more values than a file may hold', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `x-${level + 1}: &l${level + 1} { <<: [${Array(9).fill(`*l${level}`).join(', ')}] }`,
    );
    const { mistakes } = read(['x-0: &l0 { a: 1 }', ...levels, 'tasks: {}'].join('\n'));
    expect(mistakes).toContainEqual(expect.stringContaining('is one value too many'));
  });
});

describe('several tasks files', () => {
  const task = (name: string) => `tasks:\n  ${name}: { subTasks: [{ kind: class, class: A }] }\n`;
  const pathOf = write('folder', {
    'b.yml': task('two'),
    'a.yaml': task('one'),
    'c.json': '{ "tasks": { "three": { "subTasks": [{ "kind": "class", "class": "A" }] } } }',
    'tasks.schema.json': '{}',
    '.hidden.yaml': 'no: tasks',
    'README.md': '# no tasks',
    'below.yaml/d.yaml': 'no: tasks',
  });

  test('may be a folder, of which it takes .yaml, .yml and .json files, or a list', () => {
    const names = (paths: readonly string[]) =>
      readTasksFiles(paths, {}).map(({ file, tasks }) => [file, ...tasks.map(({ name }) => name)]);
    const all = [
      [pathOf('a.yaml'), 'one'],
      [pathOf('b.yml'), 'two'],
      [pathOf('c.json'), 'three'],
    ];
    expect(names([pathOf()])).toEqual(all);
    expect(names([pathOf('a.yaml'), pathOf('b.yml'), pathOf('c.json'), pathOf('a.yaml')])).toEqual(all);
  });

  test('have their mistakes told of together, and a task in two of them with both', () => {
    const twins = write('twins', { 'a.yaml': task('one'), 'b.yaml': `\n\n${task('one')}more: 1\n` });
    const files = readTasksFiles([twins(), pathOf('nowhere.yaml')], {});
    expect(mistakeLines(files.flatMap(({ mistakes }) => mistakes))).toEqual([
      `${twins('b.yaml')}:4:3: tasks.one: is the name of a task in ${twins('a.yaml')}:2 too; rename one`,
      `${twins('b.yaml')}:5:1: more: is not known here; there are $schema, defaults, origins, tasks`,
      `${pathOf('nowhere.yaml')}: there is no such file; make it, or set another`,
    ]);
  });
});
