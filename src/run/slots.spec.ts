import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { KeyBound } from './key-bound.js';
import { Slots, type Taker } from './slots.js';

/** Of some takers, who has begun, and who holds a slot. */
class Cast {
  readonly begun: Actor[] = [];
  private readonly holding = new Set<Actor>();

  make(name: string, key?: string): Actor {
    const actor: Actor = {
      name,
      key,
      begin: () => {
        this.begun.push(actor);
        this.holding.add(actor);
      },
    };
    return actor;
  }

  get held(): readonly Actor[] {
    return [...this.holding];
  }

  get names(): string {
    return this.begun.map(({ name }) => name).join(' ');
  }

  heldOf(key: string | undefined): number {
    return this.held.filter((actor) => actor.key === key).length;
  }

  /** @returns the one at a place among those that hold a slot, which holds it no more */
  letGo(at: number): Actor | undefined {
    const actor = this.held[at % this.holding.size];
    if (actor) this.holding.delete(actor);
    return actor;
  }
}

interface Actor extends Taker {
  readonly name: string;
}

const ringOf = (held: number): number => Math.ceil(Math.log2(held + 1));

const KEYS = [undefined, 'a', 'b', 'c', 'd'] as const;

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('take', 'take', 'release', 'leave'),
    key: fc.constantFrom(...KEYS),
    at: fc.nat({ max: 1_000 }),
  }),
  { maxLength: 120 },
);

describe('Slots', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('never have more begun than there are, leave none unused, and begin those of one key in their order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), steps, fc.boolean(), (bound, moves, withKeys) => {
        const slots = new Slots<Actor>(bound);
        const cast = new Cast();
        const waiting: Actor[] = [];
        const hasBegun = new Set<Actor>();
        moves.forEach(({ kind, key, at }, turn) => {
          if (kind === 'take') {
            const actor = cast.make(String(turn), withKeys ? key : undefined);
            waiting.push(actor);
            slots.take(actor);
          } else if (kind === 'release') {
            const actor = cast.letGo(at);
            if (actor) slots.release(actor);
          } else {
            const actor = waiting[at % waiting.length];
            if (actor) expect(slots.leave(actor)).toBe(true);
            if (actor) waiting.splice(waiting.indexOf(actor), 1);
          }
          for (const actor of cast.begun.filter((one) => !hasBegun.has(one))) {
            hasBegun.add(actor);
            const first = waiting.find((other) => other.key === actor.key);
            expect(first).toBe(actor);
            waiting.splice(waiting.indexOf(actor), 1);
            expect(slots.leave(actor)).toBe(false);
          }
          expect(slots.freeCount).toBe(bound - cast.held.length);
          expect(slots.freeCount === 0 || waiting.length === 0).toBe(true);
        });
        while (cast.held.length > 0) slots.release(cast.letGo(0)!);
        expect(cast.begun).toHaveLength(hasBegun.size + waiting.length);
        expect(slots.freeCount).toBe(bound);
      }),
    );
  });

  test('begin none whose key holds about twice as many as another that waits, or more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), steps, (bound, moves) => {
        const slots = new Slots<Actor>(bound);
        const cast = new Cast();
        const waiting = new Set<Actor>();
        moves.forEach(({ kind, key, at }, turn) => {
          if (kind === 'take') {
            const actor = cast.make(String(turn), key);
            waiting.add(actor);
            slots.take(actor);
            if (cast.begun.at(-1) === actor) waiting.delete(actor);
            return;
          }
          const gone = cast.letGo(at);
          if (!gone) return;
          const held = new Map<string | undefined, number>(KEYS.map((one) => [one, cast.heldOf(one)]));
          const fewest = Math.min(...[...waiting].map((actor) => ringOf(held.get(actor.key) ?? 0)));
          const before = cast.begun.length;
          slots.release(gone);
          const next = cast.begun[before];
          if (!next) return;
          waiting.delete(next);
          expect(ringOf(held.get(next.key) ?? 0)).toBe(fewest);
        });
      }),
    );
  });

  test('let a key that holds none wait for each other key once at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (bound, moves) => {
        const slots = new Slots<Actor>(bound);
        const cast = new Cast();
        const greedy = ['a', 'b', 'c'];
        for (const key of greedy)
          for (let turn = 0; turn < 60; turn += 1) slots.take(cast.make(`${key}${turn}`, key));
        for (const { key, at } of moves.slice(0, 40)) {
          if (key !== 'd') slots.take(cast.make('more', key));
          slots.release(cast.letGo(at)!);
        }
        slots.take(cast.make('newcomer', 'd'));
        const before = cast.begun.length;
        for (const { at } of moves.slice(0, KEYS.length)) slots.release(cast.letGo(at)!);
        const others = cast.begun.slice(before).findIndex(({ key }) => key === 'd');
        expect(others < KEYS.length - 1 && (others >= 0 || moves.length < KEYS.length)).toBe(true);
      }),
    );
  });

  test('are shared evenly between a key of slow takers that had all, and one of quick takers', () => {
    const slots = new Slots<Actor>(16);
    const cast = new Cast();
    for (let turn = 0; turn < 10_000; turn += 1) slots.take(cast.make('slow', 'slow'));
    for (let turn = 0; turn < 100; turn += 1) slots.take(cast.make('quick', 'quick'));
    for (let turn = 0; turn < 8; turn += 1) slots.release(cast.letGo(0)!);
    expect([cast.heldOf('slow'), cast.heldOf('quick')]).toEqual([8, 8]);
    const quick = () => cast.held.findIndex(({ key }) => key === 'quick');
    for (let turn = 0; turn < 60; turn += 1) slots.release(cast.letGo(quick())!);
    expect(cast.heldOf('quick')).toBeGreaterThanOrEqual(7);
  });

  test('that no key takes go out in the order of their takers', () => {
    const slots = new Slots<Actor>(2);
    const cast = new Cast();
    for (const name of ['a', 'b', 'c', 'd', 'e']) slots.take(cast.make(name));
    while (cast.held.length > 0) slots.release(cast.letGo(0)!);
    expect(cast.names).toBe('a b c d e');
  });

  test.each([1, 10_000])('pass by nobody twice, with 10,000 waiting of %i keys', (keys) => {
    const slots = new Slots<Actor>(1);
    const cast = new Cast();
    const actors = Array.from({ length: 10_000 }, (_, turn) => cast.make('', String(turn % keys)));
    for (const actor of actors) slots.take(actor);
    for (const actor of actors.slice(5_000)) slots.leave(actor);
    const iterators = jest.spyOn(Set.prototype, 'values');
    const keyed = jest.spyOn(Map.prototype, Symbol.iterator);
    for (let turn = 0; turn < 5_000; turn += 1) {
      const { begun } = cast;
      slots.release(begun[begun.length - 1]!);
    }
    expect(iterators.mock.calls.length).toBeLessThan(10);
    expect(keyed).not.toHaveBeenCalled();
    expect(cast.begun).toHaveLength(5_000);
  });

  test('take any number of those that give their slot back at once', () => {
    const slots = new Slots(1);
    let begun = 0;
    const holder = { begin: () => undefined };
    slots.take(holder);
    for (let turn = 0; turn < 100_000; turn += 1) {
      const taker = {
        begin: () => {
          begun += 1;
          slots.release(taker);
        },
      };
      slots.take(taker);
    }
    slots.release(holder);
    expect(begun).toBe(100_000);
  });

  test('forget those that leave the line, and go on with those behind them', () => {
    const slots = new Slots<Actor>(1);
    const cast = new Cast();
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => cast.make(name)) as [Actor, Actor, Actor, Actor];
    for (const taker of [a, b, c, d]) slots.take(taker);
    expect([slots.leave(a), slots.leave(b), slots.leave(d)]).toEqual([false, true, true]);
    slots.release(a);
    slots.take(d);
    slots.release(c);
    expect(cast.names).toBe('a c d');
  });

  test('with others behind them hold one of those no sooner than one of their own, and give both back', () => {
    const common = new Slots<Actor>(2);
    const own = new Slots<Actor>(1, () => common);
    const cast = new Cast();
    const [a, b, c] = ['a', 'b', 'c'].map((name) => cast.make(name)) as [Actor, Actor, Actor];
    own.take(a);
    own.take(b);
    expect([cast.names, own.hasFree, common.freeCount]).toEqual(['a', false, 1]);
    common.take(c);
    own.release(a);
    expect([cast.names, own.hasFree, common.freeCount]).toEqual(['a c b', false, 0]);
    own.release(b);
    expect([own.hasFree, common.freeCount]).toEqual([true, 1]);
  });

  test('with others behind them are given back by who leaves while it waits for one of those', () => {
    const common = new Slots<Actor>(1);
    const own = new Slots<Actor>(1, () => common);
    const cast = new Cast();
    const [a, b] = ['a', 'b'].map((name) => cast.make(name)) as [Actor, Actor];
    common.take(a);
    own.take(b);
    expect([own.leave(b), own.leave(b)]).toEqual([true, false]);
    common.release(a);
    expect([cast.names, own.hasFree]).toEqual(['a', true]);
  });
});

describe('A bound of keys', () => {
  test('lets each key have its slots, whoever else waits, and gives all back', () => {
    fc.assert(
      fc.property(steps, (moves) => {
        const common = new Slots<Actor>(5);
        const bound = new KeyBound<Actor>(2, () => common);
        const cast = new Cast();
        const waiting = new Set<Actor>();
        moves.forEach(({ kind, key, at }, turn) => {
          const before = cast.begun.length;
          if (kind === 'take') {
            const actor = cast.make(String(turn), key);
            waiting.add(actor);
            bound.take(actor);
          } else if (kind === 'release') {
            const actor = cast.letGo(at);
            if (actor) bound.release(actor);
          } else {
            const actor = [...waiting][at % waiting.size];
            if (actor) expect(bound.leave(actor)).toBe(true);
            if (actor) waiting.delete(actor);
          }
          for (const actor of cast.begun.slice(before)) waiting.delete(actor);
          const held = KEYS.map((one) => cast.heldOf(one));
          expect(Math.max(...held)).toBeLessThanOrEqual(2);
          expect(common.freeCount).toBe(5 - cast.held.length);
          for (const actor of waiting)
            expect(cast.heldOf(actor.key) === 2 || common.freeCount === 0).toBe(true);
        });
        while (cast.held.length > 0) bound.release(cast.letGo(0)!);
        expect(common.freeCount).toBe(5);
        expect(KEYS.every((key) => bound.hasFree(key))).toBe(true);
        expect(Reflect.get(bound, 'keys')).toHaveProperty('size', 0);
        expect(Reflect.get(Reflect.get(common, 'turns') as object, 'keyed')).toHaveProperty('size', 0);
      }),
    );
  });
});
