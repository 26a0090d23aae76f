import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { validate, version } from 'uuid';
import { newRunId } from './run-id.js';

/** In milliseconds since 1970. */
const timeOf = (id: string): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16);

describe('newRunId', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('makes UUIDs of version 7 that are all different', () => {
    const ids = Array.from({ length: 1_000 }, newRunId);
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('makes ids that sort in their order, within a millisecond and where the clock was set back', () => {
    const now = timeOf(newRunId()) + 60_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
    const ids = Array.from({ length: 1_000 }, newRunId);
    clock.mockReturnValue(now - 1_000);
    ids.push(newRunId());
    clock.mockReturnValue(now + 1);
    ids.push(newRunId());
    expect(ids.toSorted()).toEqual(ids);
    expect(timeOf(ids.at(-1)!)).toBe(now + 1);
  });
});
