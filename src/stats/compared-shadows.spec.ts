import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { hearer } from '../../test/support/hearer.js';
import { definition, statisticsOf } from '../../test/support/statistics.js';
import { ToldLog, type ToldRun } from '../../test/support/told-log.js';
import type { JsonValue } from '../core/json.js';
import { Measures } from '../core/measures.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { ShadowTerms } from '../core/shadow.js';
import { differences } from './differences.js';
import { raceTable } from './race-table.js';
import { TaskSlice } from './task-slice.js';

const NOW = Date.UTC(2026, 0, 1, 12);
const at = NOW - 60_000;
const FIRST: ReplyPolicy = { policy: 'first-success' };

describe('the comparison of shadows', () => {
  let log: ToldLog;
  beforeEach(() => {
    log = new ToldLog();
    jest.spyOn(Date, 'now').mockReturnValue(NOW);
  });
  afterEach(() => void jest.restoreAllMocks());

  const begin = (reply: ReplyPolicy = FIRST): ToldRun =>
    log
      .run({ at, reply, subTasks: ['a', 'b', 's'], shadows: ['s'] })
      .started(0, 'a')
      .started(0, 's');

  const tableOf = (
    slices: readonly TaskSlice[],
    reply: ReplyPolicy,
    terms: Omit<ShadowTerms, 'sample'> = {},
  ) => {
    const shadows = new Map([['s', { sample: '100%', ...terms }]]);
    return raceTable(definition(reply, ['a', 'b', 's'], { shadows }), slices);
  };
  const slicesOf = (reply: ReplyPolicy = FIRST, terms: Omit<ShadowTerms, 'sample'> = {}) => {
    const shadows = new Map([['s', { sample: '100%', ...terms }]]);
    const statistics = statisticsOf(definition(reply, ['a', 'b', 's'], { shadows }));
    statistics.count(log.events);
    return statistics.slices('task');
  };
  const shadowOf = (reply: ReplyPolicy = FIRST, terms: Omit<ShadowTerms, 'sample'> = {}) =>
    tableOf(slicesOf(reply, terms), reply, terms).subTasks.at(-1)!;

  const answered = (run: ToldRun, result: JsonValue, ms = 5, by: string | readonly string[] = 'a') =>
    run.succeeded(ms, 'a', result).replied(ms, by, ms, undefined, result);

  test('tells how many results were equal, and of the others where they differ, whichever came first', () => {
    answered(begin(), { price: 1, at: 1 }).succeeded(9, 's', { at: 1, price: 1 }).finished(9);
    answered(begin(), { price: 1, at: 1 }).succeeded(9, 's', { price: 2, at: 1 }).finished(9);
    answered(begin().succeeded(2, 's', { price: 1 }), { price: 1, at: 1 }).finished(5);
    const time = (ms: number) => new Date(at + ms).toISOString();
    expect(shadowOf()).toMatchObject({
      name: 's',
      wins: 0,
      starts: 3,
      shadow: {
        compared: 3,
        equal: 1,
        different: 2,
        differences: [
          { runId: 'r2', time: time(9), pointers: ['/price'] },
          { runId: 'r3', time: time(5), pointers: ['/at'] },
        ],
      },
    });
    expect(JSON.stringify(shadowOf())).not.toContain('"price"');
  });

  test('tells those who hear of measures what each came to', () => {
    const measures = new Measures();
    const compared = jest.fn();
    measures.hearers = [hearer({ compared })];
    answered(begin(), 1).succeeded(9, 's', 1).finished(9);
    answered(begin().succeeded(2, 's', 2), 1).finished(5);
    answered(begin(), 1).failed(9, 's').finished(9);
    answered(begin(), 1).cancelled(9, 's').finished(9);
    begin().failed(1, 'a').defeated(1).succeeded(2, 's').finished(2);
    statisticsOf(definition(FIRST, ['a', 'b', 's']), measures).count(log.events);
    expect(compared.mock.calls).toEqual([
      ['task', 's', 'equal'],
      ['task', 's', 'different'],
      ['task', 's', 'failed'],
    ]);
  });

  test('compares nothing with an error, and nothing of a shadow that failed', () => {
    begin().failed(1, 'a').defeated(1).succeeded(2, 's').finished(2);
    begin().succeeded(1, 's').failed(2, 'a').defeated(2).finished(2);
    answered(begin(), 1).failed(9, 's').finished(9);
    expect(shadowOf()).toMatchObject({ failures: 1, shadow: { compared: 0, differences: [] } });
  });

  test('takes part in no other figure', () => {
    const policy: ReplyPolicy = { policy: 'agreement', agreement: 2 };
    for (const reply of [FIRST, policy]) {
      log = new ToldLog();
      const plain = new ToldLog();
      for (const [to, shadows] of [
        [log, ['s']],
        [plain, undefined],
      ] as const) {
        const run = to.run({
          at,
          reply,
          subTasks: ['a', 'b', ...(shadows ?? [])],
          ...(shadows && { shadows }),
        });
        run.started(0, 'a');
        if (shadows) run.started(0, 's').succeeded(1, 's', 7);
        run.hedged(2, 'b').succeeded(5, 'b').replied(5, 'b').succeeded(8, 'a');
        run.finished(8);
      }
      const statistics = statisticsOf(definition(reply, ['a', 'b']));
      statistics.count(plain.events);
      const { subTasks, ...others } = raceTable(definition(reply, ['a', 'b']), statistics.slices('task'));
      expect(tableOf(slicesOf(reply), reply)).toMatchObject({
        ...others,
        subTasks: [...subTasks, { name: 's' }],
      });
    }
  });

  test('goes by what the shadow says, else by what the results of `agreement` agree by', () => {
    const agreement: ReplyPolicy = { policy: 'agreement', agreement: 2, ignore: ['/at'] };
    for (const reply of [FIRST, agreement])
      answered(begin(reply), { price: { net: 1 }, at: 1 })
        .succeeded(9, 's', { price: { net: 1 }, at: 2 })
        .finished(9);
    const pointersOf = (...args: Parameters<typeof shadowOf>) =>
      shadowOf(...args).shadow!.differences.map(({ pointers }) => pointers);
    expect(pointersOf()).toEqual([['/at']]);
    expect(pointersOf(FIRST, { pointer: '/price' })).toEqual([]);
    expect(pointersOf(FIRST, { ignore: ['/price'] })).toEqual([['/at'], ['/at']]);
    expect(pointersOf(FIRST, { pointer: '/prise' })).toEqual([['/prise'], ['/prise']]);
    expect(pointersOf(FIRST, { pointer: '/at' })).toEqual([['/at'], ['/at']]);
  });

  test.each<[ReplyPolicy, JsonValue]>([
    [
      { policy: 'quorum', quorum: 1 },
      { a: 'A', b: 'B' },
    ],
    [{ policy: 'all' }, { a: 'A', b: 'B' }],
    [
      { policy: 'deadline', deadline: '1s' },
      { a: 'A', b: 'B' },
    ],
    [{ policy: 'agreement', agreement: 2 }, 'B'],
  ])('takes of the results under $policy the first winner’s', (reply, result) => {
    answered(begin(reply), result, 5, ['b', 'a']).succeeded(9, 's', 'B').finished(9);
    expect(shadowOf(reply)).toMatchObject({ shadow: { equal: 1, different: 0 } });
  });

  test('keeps the newest ten differences, also over slices that were saved', () => {
    for (let n = 1; n <= 12; n += 1)
      answered(begin(), 1, n)
        .succeeded(20 + n, 's', 2)
        .finished(40);
    const earlier = slicesOf().map((slice) => TaskSlice.of(slice.toText()));
    log = new ToldLog();
    answered(begin(), 1).succeeded(90, 's', 2).finished(90);
    const { shadow } = tableOf([...earlier, ...slicesOf()], FIRST).subTasks.at(-1)!;
    expect(shadow).toMatchObject({ compared: 13, different: 13 });
    const ids = ['r1', ...Array.from({ length: 9 }, (_, index) => `r${12 - index}`)];
    expect(shadow!.differences.map(({ runId }) => runId)).toEqual(ids);
  });

  test('compares results that are too many to wait in memory by their digests', () => {
    const large = (last: string): JsonValue => ({ text: `${'x'.repeat(5 * 2 ** 20)}${last}` });
    const runs = ['a', 'b', 'c', 'd'].map((last) => answered(begin(), large(last)));
    runs[3]!.succeeded(9, 's', large('d')).finished(9);
    runs[2]!.succeeded(9, 's', large('-')).finished(9);
    runs[0]!.succeeded(9, 's', large('-')).finished(9);
    expect(shadowOf().shadow).toMatchObject({
      equal: 1,
      differences: [
        { runId: 'r1', pointers: ['/text'] },
        { runId: 'r3', pointers: [''] },
      ],
    });
  });

  test('counts nothing behind a retry on request', () => {
    answered(begin(), 1)
      .failed(9, 's')
      .finished(9)
      .reopened(20)
      .retrying(20, 's')
      .started(20, 's')
      .succeeded(30, 's', 2);
    expect(shadowOf()).toMatchObject({ starts: 1, failures: 1, shadow: { compared: 0 } });
  });
});

describe('where two results differ', () => {
  test('is told by at most five pointers, escaped and not too long', () => {
    expect(differences([1, { 'a/b~': 2n ** 64n }], [2, { 'a/b~': 2n ** 64n + 1n }])).toEqual([
      '/0',
      '/1/a~1b~0',
    ]);
    expect(differences({ a: [] }, { a: {} })).toEqual(['/a']);
    expect(differences({}, { a: null, constructor: 1 })).toEqual(['/a', '/constructor']);
    expect(differences(null, 0)).toEqual(['']);
    expect(differences(undefined, 0, '/at')).toEqual(['/at']);
    const many = Array.from({ length: 9 }, (_, index) => index);
    expect(differences(many, [])).toEqual(['/0', '/1', '/2', '/3', '/4']);
    const name = 'n'.repeat(300);
    expect(differences({ a: { [name]: { b: 1 }, c: 1 } }, { a: { [name]: { b: 2 } } })).toEqual(['/a']);
  });

  test('is nowhere exactly where they are the same JSON, whatever the order of members', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, shuffled(member)]),
      );
    };
    const plain = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        expect(differences(one, shuffled(one) as JsonValue)).toEqual([]);
        expect(differences(one, other).length === 0).toBe(isDeepStrictEqual(one, other));
      }),
      { numRuns: 500 },
    );
  });
});
