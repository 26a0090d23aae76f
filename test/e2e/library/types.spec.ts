import { beforeAll, describe, expect, test } from '@jest/globals';
import { ownAppFiles } from '../../support/own-app-files.js';
import { typeCheck, type Mistake } from '../../support/type-check.js';

/** Tasks with schemas of three libraries, and what is asked of them below. */
const TASKS = `
  import { type } from 'arktype';
  import * as v from 'valibot';
  import { z } from 'zod';
  import { of, type Observable } from 'rxjs';
  import { SubTask, Task, TaskOf, type Frontrunner, type JsonValue } from '../../../src/index.js';

  const person = z.object({ name: z.string(), age: z.number().default(30) });
  @SubTask({ name: 'english' })
  class English {
    async run({ age }: { readonly name: string; readonly age: number }) {
      return { text: 'Hello', at: new Date(age), note: undefined as string | undefined };
    }
  }
  @SubTask({ name: 'spanish' })
  class Spanish {
    run = (input: z.infer<typeof person>): string => input.name;
  }
  @SubTask({ name: 'silent' })
  class Silent {
    async run(): Promise<void> {}
  }
  @SubTask({ name: 'asking' })
  class Asking {
    run = async (): Promise<unknown> => JSON.parse('1');
  }
  class Greet extends TaskOf({ name: 'greet', input: person, subTasks: [English, { subTask: Spanish, start: 'after-failure' }] }) {}
  class Everyone extends TaskOf({ name: 'everyone', input: person, subTasks: [English, Spanish], reply: { policy: 'all' } }) {}
  class Quiet extends TaskOf({ name: 'quiet', subTasks: [Silent, Asking] }) {}
  class Silence extends TaskOf({ name: 'silence', input: v.optional(v.object({ loud: v.boolean() })), subTasks: [Silent] }) {}
  class Ark extends TaskOf({ name: 'ark', input: type({ name: 'string' }), subTasks: [Silent] }) {}
  @SubTask({ name: 'talk', stream: true })
  class Talk {
    async *run(): AsyncGenerator<string> { yield 'a'; }
  }
  @SubTask({ name: 'count', stream: true })
  class Count {
    run = (): Promise<Observable<{ at: Date }>> => Promise.resolve(of({ at: new Date() }));
  }
  class Chat extends TaskOf({ name: 'chat', subTasks: [Talk] }) {}
  class Mixed extends TaskOf({ name: 'mixed', subTasks: [Talk, { subTask: Count, start: 'after-failure' }, Spanish] }) {}
  @Task({ name: 'loose', subTasks: [Spanish] })
  class Loose {}
  declare const frontrunner: Frontrunner;
  type Greeting = { readonly text: string; readonly at: string; readonly note: string | undefined } | string;
  type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
  /** Compiles where the type of a value is the very type that is named. */
  function is<Expected>() {
    return <Actual>(_value: Actual, _same: Same<Expected, Actual>): void => undefined;
  }
`;

const TYPED = `
      const { result } = await (await frontrunner.start(Greet, { name: 'Ada' })).reply({ wait: '2s' });
      is<Greeting>()(result, true);
      for await (const chunk of frontrunner.stream(Chat)) is<string>()(chunk, true);
      is<string>()((await (await frontrunner.stream(Chat).run).reply()).result, true);
      for await (const chunk of frontrunner.stream(Mixed, null, { onRestart: () => undefined }))
        is<string | { readonly at: string }>()(chunk, true);
      is<string | readonly { readonly at: string }[]>()((await (await frontrunner.start(Mixed)).reply()).result, true);
      for await (const chunk of frontrunner.stream('chat', { any: 1 })) is<JsonValue>()(chunk, true);
      const every = await (await frontrunner.start(Everyone, { name: 'Ada' })).reply();
      is<Readonly<Record<string, Greeting>>>()(every.result, true);
      const two = await (await frontrunner.start(Greet, { name: 'Ada' }, { reply: { policy: 'quorum', quorum: 2 } })).reply();
      is<Readonly<Record<string, Greeting>>>()(two.result, true);
      const first = await (await frontrunner.start(Everyone, { name: 'Ada' }, { reply: { policy: 'first-success' } })).reply();
      is<Greeting>()(first.result, true);
      const options: import('../../../src/index.js').StartOptions = {};
      const either = await (await frontrunner.start(Greet, { name: 'Ada' }, options)).reply();
      is<Greeting | Readonly<Record<string, Greeting>>>()(either.result, true);
      const labelled = await (await frontrunner.start(Greet, { name: 'Ada', age: 3 }, { labels: { a: 'b' }, losers: 'cancel' })).reply();
      is<Greeting>()(labelled.result, true);
      const quiet = await (await frontrunner.start(Quiet)).reply();
      is<JsonValue>()(quiet.result, true);
      const silence = await (await frontrunner.start(Silence)).reply();
      is<null>()(silence.result, true);
      await frontrunner.start(Silence, { loud: true });
      await frontrunner.start(Ark, { name: 'Ada' });
    `;

const LOOSE = `
      const loose = await (await frontrunner.start(Loose, { any: 'thing' })).reply();
      is<JsonValue>()(loose.result, true);
      const named = await (await frontrunner.start('greet', 5)).reply();
      is<JsonValue>()(named.result, true);
      await frontrunner.start('greet');
    `;

const UNFIT_INPUTS = [
  'await frontrunner.start(Greet, { name: 5 });',
  'await frontrunner.start(Greet);',
  'await frontrunner.start(Silence, { loud: 1 });',
  'await frontrunner.start(Ark, { name: 1 });',
  "await frontrunner.start(Greet, { name: 'Ada' }, { reply: { policy: 'fastest' } });",
  "await frontrunner.start(Greet, { name: 'Ada' }, { loser: 'cancel' });",
  "is<number>()((await (await frontrunner.start(Greet, { name: 'Ada' })).reply()).result, true);",
];

const UNFIT_SUB_TASKS = [
  "class A extends TaskOf({ name: 'a', input: z.object({ name: z.number() }), subTasks: [Spanish] }) {}",
  "class B extends TaskOf({ name: 'b', input: v.object({ name: v.string() }), subTasks: [Silent, { subTask: English, start: 'after-failure' }] }) {}",
];

describe('what TypeScript knows of a task', () => {
  // One compilation for all: it takes seconds.
  const files = [TYPED, LOOSE, UNFIT_INPUTS.join('\n'), UNFIT_SUB_TASKS.join('\n')];
  const path = (index: number) => `test/e2e/library/typed-${index}.ts`;
  let mistakes: Record<string, Mistake[]>;
  beforeAll(() => {
    const own = [...ownAppFiles('memory:')].map(([name, code]) => [`src/library/${name}.ts`, code] as const);
    const typed = files.map((lines, at) => [path(at), `${TASKS}\n${lines}`] as const);
    mistakes = typeCheck(Object.fromEntries([...typed, ...own]));
  });
  const wrongLines = (index: number) => mistakes[path(index)]!.map(({ line }) => line);

  test('is its input, and what its reply has as the result', () => {
    expect(mistakes[path(0)]).toEqual([]);
  });

  test('is not the type of a task without TaskOf, or of a name: they take any JSON', () => {
    expect(mistakes[path(1)]).toEqual([]);
  });

  test('makes mistakes of an input that does not fit, and of one that is missing', () => {
    expect(wrongLines(2)).toEqual(UNFIT_INPUTS);
  });

  test('makes a mistake of a sub-task that takes another input than the schema gives', () => {
    expect(wrongLines(3)).toEqual(UNFIT_SUB_TASKS);
  });

  test('finds no mistake in the guide’s own app', () => {
    const own = Object.entries(mistakes).filter(([file]) => file.includes('/own-'));
    expect(own).toEqual([
      ['src/library/own-greet.ts', []],
      ['src/library/own-app.module.ts', []],
      ['src/library/own-greet.spec.ts', []],
    ]);
  });
});
