import { describe, expect, test } from '@jest/globals';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { z as mini } from 'zod/mini';
import { createRuntime } from '../../test/support/runtime.js';
import type { JsonValue } from '../core/json.js';
import type { TaskDefinition } from '../core/task.js';
import { parseInput } from './accepted-run.js';
import { inputJsonSchema } from './standard-schema.js';
import { defineSubTask } from './sub-task-declaration.js';
import { defineTask } from './task-declaration.js';

const SCHEMAS: readonly (readonly [string, StandardSchemaV1])[] = [
  ['zod', z.object({ name: z.string().min(1), ages: z.array(z.int()).default([30]) })],
  [
    'zod/mini',
    mini.object({
      name: mini.string().check(mini.minLength(1)),
      ages: mini._default(mini.array(mini.int()), [30]),
    }),
  ],
  [
    'valibot',
    v.object({ name: v.pipe(v.string(), v.minLength(1)), ages: v.optional(v.array(v.number()), [30]) }),
  ],
  ['arktype', type({ name: 'string > 0', ages: type('number[]').default(() => [30]) })],
];

/** Takes its time, as a schema may that asks a database. */
const known: StandardSchemaV1<string, string> = {
  '~standard': {
    version: 1,
    vendor: 'ours',
    validate: async (value) =>
      value === 'Ada'
        ? { value: 'known' }
        : { issues: [{ message: 'is not known', path: [{ key: 'a/b' }] }] },
  },
};

const parse = (input: StandardSchemaV1, value: JsonValue) => parseInput({ input } as TaskDefinition, value);
const errorsOf = async (input: StandardSchemaV1, value: JsonValue) => {
  const thrown = await parse(input, value).then(undefined, (error: unknown) => error);
  return (thrown as { details?: { errors?: { pointer: string; detail: string }[] } }).details?.errors;
};

describe.each(SCHEMAS)('an input schema of %s', (_library, schema) => {
  test('says what sub-tasks get', async () => {
    expect(await parse(schema, { name: 'Ada' })).toEqual({ name: 'Ada', ages: [30] });
  });

  test('says where an input does not fit, by JSON Pointers', async () => {
    const pointers = async (value: JsonValue) =>
      (await errorsOf(schema, value))?.map(({ pointer }) => pointer);
    expect(await pointers({ name: '', ages: [1, 'x'] })).toEqual(['/input/name', '/input/ages/1']);
    expect(await pointers('Ada')).toEqual(['/input']);
  });
});

describe('a schema', () => {
  test('may take its time', async () => {
    expect(await parse(known, 'Ada')).toBe('known');
    expect(await errorsOf(known, 'Bob')).toEqual([{ pointer: '/input/a~1b', detail: 'is not known' }]);
  });

  test('is shown as JSON Schema where its library has that', () => {
    const shape = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    expect(inputJsonSchema(z.object({ name: z.string() }))).toMatchObject(shape);
    expect(inputJsonSchema(type({ name: 'string' }))).toMatchObject(shape);
    expect(inputJsonSchema(v.object({ name: v.string() }))).toEqual({});
  });

  test('is shown as nothing where its library has no JSON Schema for it', () => {
    const input = (): never => {
      throw new Error('has no JSON Schema');
    };
    const schema = { '~standard': { ...known['~standard'], jsonSchema: { input } } };
    expect(inputJsonSchema(schema)).toEqual({});
  });

  test('is refused at the start where it follows no Standard Schema', () => {
    const task = { name: 'greet', subTasks: [{ subTask: { name: 'english' }, start: 'at-once' as const }] };
    const subTaskOf = () => defineSubTask({ name: 'english' }, { run: () => 'Hi' }, 'English');
    const noSchema = { type: 'object' } as unknown as StandardSchemaV1;
    expect(() => defineTask({ ...task, input: noSchema }, 'Greet', subTaskOf)).toThrow(
      'The input of Greet is no Standard Schema; it takes a schema of zod (3.24 or later), valibot (1), arktype (2)',
    );
    expect(() =>
      defineSubTask({ name: 'english', output: noSchema }, { run: () => 'Hi' }, 'English'),
    ).toThrow('The output of English is no Standard Schema');
  });
});

describe('an output schema', () => {
  const greeting = (run: () => unknown, output: StandardSchemaV1) =>
    createRuntime([{ name: 'english', output, run }]).run();

  test('says what the result is', async () => {
    const output = v.pipe(
      v.object({ text: v.string() }),
      v.transform(({ text }) => text.length),
    );
    expect(await greeting(() => ({ text: 'Hello' }), output)).toMatchObject({ result: 5 });
  });

  test('fails an attempt whose result does not fit, and says where', async () => {
    const runtime = createRuntime([
      { name: 'english', output: z.object({ text: z.string() }), run: async () => ({ text: 5 }) },
    ]);
    await expect(runtime.run()).rejects.toMatchObject({ code: 'run-failed' });
    expect(runtime.events).toContainEqual(
      expect.objectContaining({
        type: 'sub-task.failed',
        data: expect.objectContaining({
          error: {
            code: 'result-unfit',
            message: 'The result does not fit output: /text: Invalid input: expected string, received number',
          },
        }),
      }),
    );
  });
});
