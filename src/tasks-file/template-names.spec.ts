import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import type { JsonValue } from '../core/json.js';
import { mistakeLines } from './mistake.js';
import { readTasksFiles, type TasksFile } from './tasks-file.js';

const path = join(temporaryDirectory(), 'tasks.yaml');

/** The mistakes of a task with an input schema and one sub-task, each as its line says it. */
function mistakesOf(input: JsonValue, members: object): string[] {
  const subTask = { name: 'a', kind: 'http', url: 'https://a.example/', ...members };
  const lines = [
    'tasks:',
    '  t:',
    `    input: ${JSON.stringify(input)}`,
    '    subTasks:',
    ...Object.entries(subTask).map(
      ([name, value], index) => `      ${index === 0 ? '-' : ' '} ${name}: ${JSON.stringify(value)}`,
    ),
  ];
  writeFileSync(path, lines.join('\n'));
  const [{ mistakes }] = readTasksFiles([path], { KEY: 'k', A: 'a' }) as [TasksFile];
  return mistakeLines(mistakes).map((line) => line.replace(`${path}:`, ''));
}

const CITY = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false };

describe('a name in a template', () => {
  test('that no input can have is a mistake with the nearest one that it can', () => {
    const members = {
      url: 'https://a.example/{?citty}',
      method: 'POST',
      headers: { 'X-City': 'in {citi}' },
      body: { list: ['{city}', '{town}'] },
    };
    expect(mistakesOf(CITY, members)).toEqual([
      '7:14: tasks.t.subTasks[0].url: has {citty}, but no input has a member citty; is city meant?',
      '9:28: tasks.t.subTasks[0].headers.X-City: has {citi}, but no input has a member citi; is city meant?',
      '10:33: tasks.t.subTasks[0].body.list[1]: has {town}, but no input has a member town; there are city',
    ]);
  });

  test.each([
    ['form', { list: ['{city}', '{town}'] }, '9:33: tasks.t.subTasks[0].form.list[1]'],
    ['text', 'in {town}', '9:15: tasks.t.subTasks[0].text'],
  ])('that no input can have is one in %s too', (member, value, where) => {
    expect(mistakesOf(CITY, { method: 'POST', [member]: value })).toEqual([
      `${where}: has {town}, but no input has a member town; there are city`,
    ]);
  });

  const open = { properties: { city: true } };
  test.each<[string, JsonValue]>([
    ['without a schema that closes it', open],
    ['that a pattern allows', { ...CITY, patternProperties: { '^to': true } }],
    ['of one of several schemas', { anyOf: [CITY, open] }],
    [
      'that a reference may evaluate',
      { $ref: '#/$defs/a', $defs: { a: open }, unevaluatedProperties: false },
    ],
    ['that a part evaluates', { allOf: [{ properties: { town: true } }], unevaluatedProperties: false }],
    ['of a type that may be an object', { type: ['null', 'object'] }],
  ])('is taken %s', (_what, schema) => {
    expect(mistakesOf(schema, { url: 'https://a.example/{town}' })).toEqual([]);
  });

  test.each<[string, JsonValue]>([
    ['for an input that is never an object', { type: 'string' }],
    ['for one that is false', { properties: { town: false } }],
    ['that a part of the schema rules out', { allOf: [open, CITY] }],
    ['that each of several schemas rules out', { oneOf: [CITY, { type: 'null' }] }],
    ['that what is referred to rules out', { $ref: '#/$defs/a~1b', $defs: { 'a/b': CITY } }],
    ['that nothing evaluates', { properties: { city: true }, unevaluatedProperties: false }],
  ])('is a mistake %s', (_what, schema) => {
    expect(mistakesOf(schema, { url: 'https://a.example/{town}' })).toEqual([
      expect.stringContaining('no input has a member town'),
    ]);
  });
});

describe('a variable of the environment', () => {
  test('is taken in url, headers, body, form and text', () => {
    const members = {
      url: 'https://${A}.example/{?city}&key=${KEY}',
      method: 'POST',
      headers: { Authorization: 'Bearer ${KEY}' },
      body: { key: ['${KEY}'] },
    };
    expect(mistakesOf({ ...CITY, description: 'as ${KEY}', title: '$${KEY}' }, members)).toEqual([]);
    expect(mistakesOf(CITY, { method: 'PUT', form: { key: '${KEY}' } })).toEqual([]);
    expect(mistakesOf(CITY, { method: 'PUT', text: 'of ${KEY}' })).toEqual([]);
  });

  test('is a mistake anywhere else', () => {
    const members = {
      method: 'POST',
      timeout: '${KEY}',
      result: '/${KEY}',
      body: { '${KEY}': 1 },
      maxResponse: '$KEY',
    };
    const message =
      'has ${KEY}, which is taken in url, headers, form, text, secret and texts of body alone; write its value';
    expect(mistakesOf({ const: '${KEY}' }, members)).toEqual([
      `3:21: tasks.t.input.const: ${message}`,
      `9:18: tasks.t.subTasks[0].timeout: ${message}`,
      `10:17: tasks.t.subTasks[0].result: ${message}`,
      `11:16: tasks.t.subTasks[0].body["\${KEY}"]: ${message}`,
      expect.stringContaining('12:22: tasks.t.subTasks[0].maxResponse: takes a size'),
    ]);
  });
});
