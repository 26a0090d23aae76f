import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Slots } from './slots.js';

describe('Slots', () => {
  test('never has more begun than its bound, and begins all in order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.boolean(), { maxLength: 50 }),
        (bound, takes) => {
          const slots = new Slots(bound);
          const begun: number[] = [];
          let taken = 0;
          let active = 0;
          for (const take of takes) {
            if (take) {
              const turn = (taken += 1);
              slots.take({
                begin: () => {
                  begun.push(turn);
                  active += 1;
                },
              });
            } else if (active > 0) {
              active -= 1;
              slots.release();
            }
            expect(active).toBeLessThanOrEqual(bound);
            expect(active === bound || begun.length === taken).toBe(true);
          }
          expect(begun).toEqual(begun.map((_, index) => index + 1));
        },
      ),
    );
  });

  test('takes any number of those that give their slot back at once', () => {
    const slots = new Slots(1);
    let begun = 0;
    slots.take({ begin: () => undefined });
    for (let turn = 0; turn < 100_000; turn += 1) {
      slots.take({
        begin: () => {
          begun += 1;
          slots.release();
        },
      });
    }
    slots.release();
    expect(begun).toBe(100_000);
  });

  test('forgets those that leave the line, and goes on with those behind them', () => {
    const slots = new Slots(1);
    const begun: string[] = [];
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ({ begin: () => void begun.push(name) }));
    for (const taker of [a!, b!, c!, d!]) slots.take(taker);
    expect([slots.leave(a!), slots.leave(b!), slots.leave(d!)]).toEqual([false, true, true]);
    slots.release();
    slots.take(d!);
    slots.release();
    expect(begun).toEqual(['a', 'c', 'd']);
  });

  test('with common ones behind them hold one of those no sooner than one of their own, and give both back', () => {
    const common = new Slots(2);
    const own = new Slots(1, common);
    const begun: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ begin: () => void begun.push(name) }));
    own.take(a!);
    own.take(b!);
    expect([begun, own.hasFree, common.freeCount]).toEqual([['a'], false, 1]);
    common.take(c!);
    own.release();
    expect([begun, own.hasFree, common.freeCount]).toEqual([['a', 'c', 'b'], false, 0]);
    own.release();
    expect([own.hasFree, common.freeCount]).toEqual([true, 1]);
  });

  test('with common ones behind them are given back by who leaves while it waits for a common one', () => {
    const common = new Slots(1);
    const own = new Slots(1, common);
    const begun: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => ({ begin: () => void begun.push(name) }));
    common.take(a!);
    own.take(b!);
    expect([own.leave(b!), own.leave(b!)]).toEqual([true, false]);
    common.release();
    expect([begun, own.hasFree]).toEqual([['a'], true]);
  });
});
