import { describe, expect, test } from '@jest/globals';
import { Injectable, Module, Scope, type Type } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { StartRule } from '../core/start-rule.js';
import { SubTask } from './sub-task.js';
import type { SubTaskOptions } from '../core/sub-task.js';
import { TaskRegistry } from './task-registry.js';
import { Task, type TaskOptions } from './task.js';

function subTask(options: SubTaskOptions, className = 'SubTaskClass'): Type<{ run(): string }> {
  const type = {
    [className]: class {
      run() {
        return 'done';
      }
    },
  }[className]!;
  SubTask(options)(type);
  return type;
}

function task(options: TaskOptions, className = 'TaskClass'): Type {
  const type = { [className]: class {} }[className]!;
  Task(options)(type);
  return type;
}

async function registryOf(...providers: Type[]): Promise<TaskRegistry> {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [TaskRegistry, ...providers],
  }).compile();
  await module.init();
  return module.get(TaskRegistry);
}

const A = subTask({ name: 'a' }, 'A');
const B = subTask({ name: 'b' }, 'B');
const Namesake = subTask({ name: 'a' }, 'Namesake');

describe('TaskRegistry', () => {
  test('finds tasks in any module, with the defaults filled in', async () => {
    const Slow = subTask({
      name: 'slow',
      timeout: '2s',
      retry: { attempts: 3, delay: '1s', maxDelay: '5s' },
      concurrency: 2,
    });
    @Module({ providers: [A, Slow, task({ name: 'found', subTasks: [A, Slow] })] })
    class Feature {}
    const module = await Test.createTestingModule({
      imports: [DiscoveryModule, Feature],
      providers: [TaskRegistry],
    }).compile();
    await module.init();
    expect(module.get(TaskRegistry).get('found')).toMatchObject({
      name: 'found',
      reply: { policy: 'first-success' },
      losers: 'continue',
      input: undefined,
      subTasks: [
        {
          name: 'a',
          timeoutMs: 60_000,
          retry: { attempts: 1, delayMs: 100, maxDelayMs: 10_000, maxWaitMs: 10_000 },
          concurrency: Infinity,
        },
        {
          name: 'slow',
          timeoutMs: 2_000,
          retry: { attempts: 3, delayMs: 1_000, maxDelayMs: 5_000, maxWaitMs: 5_000 },
          concurrency: 2,
        },
      ],
    });
  });

  test('refuses to start with a sub-task class that two modules provide', async () => {
    @Module({ providers: [A] })
    class One {}
    @Module({ providers: [A, task({ name: 't', subTasks: [A] })] })
    class Two {}
    const module = await Test.createTestingModule({
      imports: [DiscoveryModule, One, Two],
      providers: [TaskRegistry],
    }).compile();
    await expect(module.init()).rejects.toThrow('A is provided by two modules');
  });

  test('takes what stands for a class of a sub-task, as in tests of an application', async () => {
    const module = await Test.createTestingModule({
      imports: [DiscoveryModule],
      providers: [TaskRegistry, A, task({ name: 't', subTasks: [A] })],
    })
      .overrideProvider(A)
      .useValue({ run: () => 'stubbed' })
      .compile();
    await module.init();
    expect(
      module
        .get(TaskRegistry)
        .get('t')
        .subTasks[0]?.handler.run(undefined as never, undefined as never),
    ).toBe('stubbed');
  });

  test('knows no other task', async () => {
    const registry = await registryOf(A, task({ name: 'one', subTasks: [A] }));
    expect(() => registry.get('two')).toThrow('There is no task "two"; GET /tasks lists those there are');
  });

  const Undecorated = class Undecorated {
    run() {
      return 1;
    }
  };
  class Scoped {
    run() {
      return 1;
    }
  }
  SubTask({ name: 'scoped' })(Scoped);
  Injectable({ scope: Scope.REQUEST })(Scoped);
  class Idle {}
  SubTask({ name: 'idle' })(Idle as unknown as Type<{ run(): string }>);
  const circular = undefined as unknown as Type<{ run(): string }>;

  const later = (start: StartRule) => task({ name: 't', subTasks: [A, { subTask: B, start }] });

  test('finds when each sub-task starts, and how many extra starts there may be', async () => {
    const start = { after: 'p95', coldStart: '50ms' } as const;
    const options = { name: 't', subTasks: [A, { subTask: B, start }] };
    const registry = await registryOf(
      A,
      B,
      task({ ...options, hedgeBudget: '2.5%', order: 'learned' }),
      task({ name: 'plain', subTasks: [A] }),
    );
    expect(registry.get('t')).toMatchObject({
      starts: ['at-once', start],
      hedgeBudget: 0.025,
      order: 'learned',
    });
    expect(registry.get('plain')).toMatchObject({
      starts: ['at-once'],
      hedgeBudget: 0.1,
      order: 'declared',
    });
  });

  test('says which requests share runs, with the defaults filled in', async () => {
    const registry = await registryOf(
      A,
      task({ name: 'plain', subTasks: [A] }),
      task({ name: 'coalesces', subTasks: [A], coalesce: {} }, 'Coalesces'),
      task({ name: 'reuses', subTasks: [A], reuse: { for: '30s' } }, 'Reuses'),
    );
    expect(registry.get('plain').coalescing).toBeUndefined();
    const coalescing = { key: { text: '{input}' }, forMs: 0, shared: false };
    expect(registry.get('coalesces').coalescing).toMatchObject({ ...coalescing, reuse: undefined });
    const reuse = { forMs: 30_000, staleIfErrorMs: 0 };
    expect(registry.get('reuses').coalescing).toMatchObject({ ...coalescing, reuse });
  });

  test('finds shadows, which stand behind all others, and for which inputs sub-tasks start', async () => {
    const when = (input: unknown) => input === 'eu';
    const shadow = { sample: '5%', ignore: ['/at'] };
    const registry = await registryOf(
      A,
      B,
      task({
        name: 't',
        subTasks: [
          { subTask: A, shadow },
          { subTask: B, when },
        ],
      }),
      task({ name: 'plain', subTasks: [A] }),
    );
    const { subTasks, starts, shadows, conditions } = registry.get('t');
    expect(subTasks.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(starts).toEqual(['at-once', 'at-once']);
    expect(shadows).toEqual(new Map([['a', shadow]]));
    expect(['eu', 'us'].map((input) => conditions?.get('b')?.holds(input))).toEqual([true, false]);
    expect(registry.get('plain')).toMatchObject({ shadows: undefined, conditions: undefined });
  });

  test.each<[string, Type[], string]>([
    [
      'two tasks of one name',
      [A, task({ name: 't', subTasks: [A] }, 'One'), task({ name: 't', subTasks: [A] }, 'Two')],
      'The tasks One and Two are both named "t"; rename one',
    ],
    [
      'two sub-tasks of one name in a task',
      [A, Namesake, task({ name: 't', subTasks: [A, Namesake] })],
      'In the task TaskClass the sub-tasks A and Namesake are both named "a"; rename or remove one',
    ],
    [
      'a task without sub-tasks',
      [task({ name: 't', subTasks: [] })],
      'The task TaskClass has no sub-tasks; list at least one class in its subTasks',
    ],
    [
      'a sub-task that no module provides',
      [task({ name: 't', subTasks: [A] })],
      'lists the sub-task A, which no module provides; add it to the providers of a module',
    ],
    [
      'an undecorated class',
      [Undecorated, task({ name: 't', subTasks: [Undecorated] })],
      'lists Undecorated, which is not a sub-task; decorate it with @SubTask({ name: … })',
    ],
    [
      'an undefined class',
      [task({ name: 't', subTasks: [circular] })],
      'lists undefined as a sub-task; list a class (undefined often means a circular import)',
    ],
    [
      'a request-scoped sub-task',
      [Scoped, task({ name: 't', subTasks: [Scoped] })],
      'Scoped is request-scoped, but runs outlive requests; make it and what it injects singletons',
    ],
    [
      'a primary that is no sub-task',
      [A, B, task({ name: 't', subTasks: [A, B], reply: { policy: 'primary', primary: 'c' } })],
      'The reply of TaskClass can\'t be met: "c" is no sub-task of t, which has a, b',
    ],
    [
      'a quorum larger than the task',
      [A, B, task({ name: 't', subTasks: [A, B], reply: { policy: 'quorum', quorum: 3 } })],
      "The reply of TaskClass can't be met: 3 successes are more than the 2 sub-tasks of t",
    ],
    [
      'more successes at a deadline than the quorum',
      [
        A,
        B,
        task({ name: 't', subTasks: [A, B], reply: { policy: 'quorum', quorum: 1, deadline: '1s', min: 2 } }),
      ],
      "The reply of TaskClass can't be met: 2 successes are more than the quorum of 1",
    ],
    [
      'a deadline that is no duration',
      [A, task({ name: 't', subTasks: [A], deadline: 'soon' })],
      'The deadline of TaskClass is wrong: takes a duration such as 250ms, 30s or 5m, at most 24d',
    ],
    [
      'a face that there is none of',
      [A, task({ name: 't', subTasks: [A], face: 'chat' as 'openai-chat' })],
      'The face of TaskClass is wrong: takes openai-chat',
    ],
    [
      'a template of keys that names nothing',
      [A, task({ name: 't', subTasks: [A], concurrencyKey: 'tenant' })],
      'The concurrencyKey of TaskClass is wrong: names nothing',
    ],
    [
      'a bound of keys without a key',
      [A, task({ name: 't', subTasks: [A], concurrencyPerKey: 2 })],
      'The concurrencyKey of TaskClass is wrong: concurrencyPerKey bounds each key of concurrencyKey, which is missing; add it',
    ],
    [
      'a bound of keys that lets nothing begin',
      [A, task({ name: 't', subTasks: [A], concurrencyKey: '{client}', concurrencyPerKey: 0 })],
      'The concurrencyKey of TaskClass is wrong: ',
    ],
    ...[
      { concurrencyKey: '{client}{input.card.number}', redact: ['/input/card'] },
      { concurrencyKey: '{input.card}', redact: ['/input/card/number'] },
      { concurrencyKey: '{input}', redact: ['/input/card'] },
      { concurrencyKey: '{input.tenant}', keepInput: false },
    ].map((options): [string, Type[], string] => [
      `${options.concurrencyKey}, of which the journal must not have all`,
      [A, task({ name: 't', subTasks: [A], ...options })],
      'The concurrencyKey of TaskClass is wrong: it shows a value of the input that keepInput or redact keeps private',
    ]),
    [
      'an undefined class that is to start later',
      [A, task({ name: 't', subTasks: [A, { subTask: circular, start: 'after-failure' }] })],
      'The task TaskClass lists undefined as a sub-task; list a class (undefined often means a circular import)',
    ],
    [
      'null for a sub-task',
      [task({ name: 't', subTasks: [null as unknown as typeof A] })],
      'The task TaskClass lists null as a sub-task; list a class',
    ],
    [
      'two later sub-tasks of one name',
      [A, Namesake, task({ name: 't', subTasks: [A, { subTask: Namesake, start: 'after-failure' }] })],
      'In the task TaskClass the sub-tasks A and Namesake are both named "a"; rename or remove one',
    ],
    [
      'a start rule that there is none of',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, start: 'later' as 'at-once' }] })],
      'The start of B in the task TaskClass is wrong: takes "at-once", "after-failure", "after-failed-attempt", {"after": "150ms"}, or {"after": "p95", "coldStart": "100ms"}',
    ],
    [
      'a shadow with a start rule',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, start: 'at-once', shadow: true }] })],
      'The start of B in the task TaskClass stands beside shadow, which begins with its run, behind the others; take one out',
    ],
    [
      'a shadow of more runs than there are',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, shadow: { sample: '101%' } }] })],
      'The shadow of B in the task TaskClass is wrong: sample takes a percentage from 0% to 100%, such as 5%',
    ],
    [
      'a shadow that is neither true nor an object',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, shadow: '5%' as unknown as true }] })],
      'The shadow of B in the task TaskClass is wrong: takes true, or an object such as {"sample": "5%"} with sample, pointer and ignore',
    ],
    [
      'nothing but shadows',
      [A, task({ name: 't', subTasks: [{ subTask: A, shadow: true }] })],
      'All sub-tasks of the task TaskClass are shadows, so that nothing could be the reply; list one without shadow',
    ],
    [
      'a primary that is a shadow',
      [
        A,
        B,
        task({
          name: 't',
          subTasks: [A, { subTask: B, shadow: true }],
          reply: { policy: 'primary', primary: 'b' },
        }),
      ],
      'The reply of TaskClass can\'t be met: "b" is a shadow, whose result is in no reply; there are a',
    ],
    [
      'a quorum that only a shadow could fill',
      [
        A,
        B,
        task({
          name: 't',
          subTasks: [A, { subTask: B, shadow: true }],
          reply: { policy: 'quorum', quorum: 2 },
        }),
      ],
      "The reply of TaskClass can't be met: 2 successes are more than the 1 sub-tasks of t",
    ],
    [
      'a condition that is no function',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, when: true as unknown as () => boolean }] })],
      'The when of B in the task TaskClass is no function; it takes one of the input, such as (input) => …',
    ],
    [
      'the quantile of no time at all',
      [A, B, task({ name: 't', subTasks: [A, { subTask: B, start: { after: 'p0' } }] })],
      'a quantile of the task’s recent reply times, above p0 and below p100',
    ],
    [
      'a fixed time with a cold start',
      [A, B, later({ after: '1s', coldStart: '2s' } as StartRule)],
      'The start of B in the task TaskClass is wrong: takes "at-once"',
    ],
    [
      'a task of which nothing starts at once',
      [A, task({ name: 't', subTasks: [{ subTask: A, start: { after: '1s' } }] })],
      "The start rules of TaskClass don't fit: no sub-task starts at once; let the first one do so",
    ],
    [
      'a sub-task that starts before the one in front of it',
      [A, B, task({ name: 't', subTasks: [{ subTask: A, start: 'after-failure' }, B] })],
      "The start rules of TaskClass don't fit: B starts at once but stands behind A, which starts after a failure; list first those that start at once",
    ],
    [
      'an order that there is not',
      [A, task({ name: 't', subTasks: [A], order: 'fastest' as 'learned' })],
      'The order of TaskClass is wrong: Invalid option: expected one of "declared"|"learned"',
    ],
    [
      'a hedge budget that is no share',
      [A, task({ name: 't', subTasks: [A], hedgeBudget: '10' })],
      'The hedgeBudget of TaskClass is wrong: takes a percentage such as 10% or 200%, or off',
    ],
    [
      'a key of equal requests that names nothing',
      [A, task({ name: 't', subTasks: [A], coalesce: { key: 'city' } })],
      'The coalesce of TaskClass is wrong: key names nothing, so all requests would have the same key; a template names {input.tenant}',
    ],
    [
      'replies that are used no longer than a failure takes',
      [A, task({ name: 't', subTasks: [A], reuse: { for: '30s', staleIfError: '10s' } })],
      'The reuse of TaskClass is wrong: staleIfError takes more than `for`: until then the reply answers anyway',
    ],
    [
      'shared runs whose results the journal must not have',
      [A, task({ name: 't', subTasks: [A], coalesce: {}, redact: ['/result/token'] })],
      'The task TaskClass coalesces or reuses runs, whose results others have from the journal; take out coalesce and reuse, or what redact says of results',
    ],
    [
      'a name that no path can hold',
      [A, task({ name: 'a/b', subTasks: [A] })],
      'The name of TaskClass is "a/b"; it takes 1 to 64 letters',
    ],
    [
      'a timeout of nothing',
      [subTask({ name: 'x', timeout: 0 })],
      'The timeout of SubTaskClass is 0; it takes more',
    ],
    [
      'a timeout that is no duration',
      [subTask({ name: 'x', timeout: 'soon' as '1s' })],
      'The timeout of SubTaskClass is wrong: "soon" is not a duration',
    ],
    [
      'a breaker with a share that is none',
      [subTask({ name: 'x', breaker: { slow: '2s', slowShare: '0%' } })],
      'The breaker of SubTaskClass is wrong: slowShare takes a share such as 50%, from 1% to 100%',
    ],
    [
      'a breaker with a window that is too long',
      [subTask({ name: 'x', breaker: { window: 300_001 } })],
      'The breaker of SubTaskClass is wrong: window takes more than 0 and at most 5m',
    ],
    [
      'no attempts',
      [subTask({ name: 'x', retry: { attempts: 0 } })],
      'The retry.attempts of SubTaskClass is 0; it takes a whole number from 1',
    ],
    ['a class without run', [Idle], 'The sub-task Idle has no method run(input, context); add one'],
    [
      'an undefined class of errors',
      [subTask({ name: 'x', retry: { except: [undefined as unknown as typeof Error] } })],
      'The retry.except of SubTaskClass lists something that is no class',
    ],
    [
      'no concurrency',
      [subTask({ name: 'x', concurrency: 0.5 })],
      'The concurrency of SubTaskClass is 0.5; it takes a whole number from 1',
    ],
  ])('refuses to start with %s', async (_what, providers, message) => {
    await expect(registryOf(...providers)).rejects.toThrow(message);
  });
});
