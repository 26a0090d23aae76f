import { describe, expect, test } from '@jest/globals';
import { Placing } from './placing.js';

describe('Sub-tasks with keys that leave for workers', () => {
  function setUp() {
    const placing = new Placing();
    const placed: string[] = [];
    const enter = (key: string, count: number) =>
      Array.from({ length: count }, () => {
        const leaving = { key, place: () => void placed.push(key) };
        placing.enter(leaving);
        return leaving;
      });
    const countOf = (key: string) => placed.filter((one) => one === key).length;
    return { placing, enter, countOf };
  }

  test('are 40 at most on their way, 20 of a key', () => {
    const { enter, countOf } = setUp();
    enter('a', 100);
    expect(countOf('a')).toBe(20);
    enter('b', 15);
    enter('c', 10);
    expect([countOf('b'), countOf('c')]).toEqual([15, 5]);
  });

  test('make room when they have begun or ended, on their way or before, once each', () => {
    const { placing, enter, countOf } = setUp();
    const all = enter('a', 100);
    for (const leaving of all.slice(90)) placing.leave(leaving);
    expect(countOf('a')).toBe(20);
    for (const leaving of all.slice(0, 5)) {
      placing.leave(leaving);
      placing.leave(leaving);
    }
    expect(countOf('a')).toBe(25);
    for (const leaving of all) placing.leave(leaving);
    expect(countOf('a')).toBeLessThanOrEqual(90);
    enter('b', 25);
    enter('c', 25);
    expect([countOf('b'), countOf('c')]).toEqual([20, 20]);
  });
});
