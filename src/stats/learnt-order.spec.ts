import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { learntOrder } from './learnt-order.js';
import type { Observation } from './product-limit.js';

type Ends = Readonly<Record<string, readonly Observation[]>>;

const times = (count: number, ms: number, kind: Observation['kind'] = 'answered') =>
  Array<Observation>(count).fill({ ms, kind });
const learnt = (ends: Ends) =>
  learntOrder(Object.keys(ends), (name) => ({ ended: ends[name] ?? [], open: [] }));
const orderOf = (ends: Ends) => learnt(ends).order.join(' ');

describe('the learnt order', () => {
  test('puts the one first that answers soonest, and so on', () => {
    expect(orderOf({ a: times(5, 90), b: times(5, 30), c: times(5, 10) })).toBe('c b a');
  });

  test('is the declared one of those that are about as quick', () => {
    expect(orderOf({ a: times(5, 109), b: times(5, 100), c: times(5, 104) })).toBe('a b c');
    expect(orderOf({ a: times(5, 111), b: times(5, 100), c: times(5, 104) })).toBe('b a c');
  });

  test('keeps those behind of which less than three ends are known, in the declared order', () => {
    expect(orderOf({ a: [], b: times(2, 1), c: times(3, 50), d: times(3, 40) })).toBe('d c a b');
    expect(learnt({ a: times(3, 5), b: times(2, 1), c: [] })).toEqual({
      ...{ order: ['a', 'b', 'c'], leastKnown: ['c', 'b', 'a'], allKnown: false },
    });
    expect(learnt({ a: times(3, 5), b: times(3, 50) }).allKnown).toBe(true);
  });

  test('takes no sick one for healthy that is cut whenever it is slow, and answers at once now and then', () => {
    const sick = [...times(4, 1), ...times(96, 20, 'cut')];
    expect(orderOf({ sick, well: times(100, 20) })).toBe('well sick');
  });

  test('prefers one that always answers to one that is a little quicker and often hangs', () => {
    const hangs = [...times(80, 10), ...times(20, 12, 'cut')];
    expect(orderOf({ hangs, steady: times(100, 12) })).toBe('steady hangs');
    expect(orderOf({ hangs, slow: times(100, 60) })).toBe('hangs slow');
  });

  test('lets no rare timeout outweigh what is many times as quick else', () => {
    const rare = [...times(99, 10), { ms: 60_000, kind: 'failed' } as const];
    expect(orderOf({ slow: times(100, 50), rare })).toBe('rare slow');
  });

  test('prefers one that fails less where all fail more often than not', () => {
    const fails = (of: number) => [...times(100 - of, 5), ...times(of, 5, 'failed')];
    expect(orderOf({ a: fails(90), b: fails(60) })).toBe('b a');
  });

  test('orders those behind the first by themselves', () => {
    expect(orderOf({ a: times(5, 900), b: times(5, 500), c: times(5, 1) })).toBe('c b a');
  });

  test('counts those that are under way to tell of which the least is known, but not as enough to know it', () => {
    const ends = { a: { ended: times(3, 5), open: [] }, b: { ended: times(2, 1), open: times(9, 1, 'cut') } };
    expect(learntOrder(['b', 'a'], (name) => ends[name as 'a' | 'b'])).toEqual({
      ...{ order: ['a', 'b'], leastKnown: ['a', 'b'], allKnown: false },
    });
  });

  const end = fc.record({
    ms: fc.double({ min: 0, max: 1e6, noNaN: true }),
    kind: fc.constantFrom<Observation['kind']>('answered', 'failed', 'cut'),
  });
  const known = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.array(end, { maxLength: 20 }), {
    minKeys: 1,
    maxKeys: 8,
  });

  test('has each sub-task once, whatever is known', () => {
    fc.assert(
      fc.property(known, (ends) => {
        const names = Object.keys(ends);
        const { order, leastKnown } = learnt(ends);
        expect(order.toSorted()).toEqual(names.toSorted());
        expect(leastKnown.toSorted()).toEqual(names.toSorted());
      }),
    );
  });

  test('makes no difference between the same in milliseconds and in seconds', () => {
    fc.assert(
      fc.property(known, (ends) => {
        const slower = Object.entries(ends).map(
          ([name, all]) => [name, all.map(({ ms, kind }) => ({ ms: ms * 1024, kind }))] as const,
        );
        expect(orderOf(Object.fromEntries(slower))).toBe(orderOf(ends));
      }),
    );
  });

  test('lets none be overtaken by another that was never quicker and never failed less', () => {
    fc.assert(
      fc.property(
        fc.array(end, { minLength: 3, maxLength: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (ends, more) => {
          const worse = ends.map(
            ({ ms, kind }) => ({ ms: ms * more, kind: kind === 'answered' ? kind : 'failed' }) as const,
          );
          expect(
            orderOf({
              better: ends.map(
                ({ ms, kind }) => ({ ms, kind: kind === 'answered' ? kind : 'failed' }) as const,
              ),
              worse,
            }),
          ).toBe('better worse');
        },
      ),
    );
  });
});
