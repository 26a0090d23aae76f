import ms from 'ms';
import { z } from 'zod';
import type { Clock } from './clock.js';

/** A length of time: milliseconds as a number, or a text with a unit such as `250ms`, `30s`, `5m`, `1h`. */
export type Duration = number | ms.StringValue;

/** The longest a Node timer can wait: 2^31 - 1 ms, close to 25 days. */
export const MAX_DURATION_MS = 2 ** 31 - 1;

export const DURATION_FORM = 'a duration such as 250ms, 30s or 5m, at most 24d';

/** Milliseconds. @throws {RangeError} when `value` is no duration, negative, or too long for a timer. */
export function milliseconds(value: Duration): number {
  const result = typeof value === 'number' ? value : parse(value);
  if (result === undefined || !(result >= 0 && result <= MAX_DURATION_MS)) {
    throw new RangeError(`${JSON.stringify(value)} is not ${DURATION_FORM}`);
  }
  return result;
}

/** Milliseconds from an RFC 3339 time to `now`, in milliseconds since 1970; 0 without one, and where `now` is before it. */
export function millisecondsSince(time: string | null, now: number): number {
  return time === null ? 0 : Math.max(0, now - Date.parse(time));
}

/** Milliseconds since an instant of the clock, to a tenth. */
export function elapsedMs(since: number, clock: Clock): number {
  return Math.round((clock.elapsed() - since) * 10) / 10;
}

function parse(text: string): number | undefined {
  return /^\d+(\.\d+)? ?[a-z]+$/i.test(text) ? ms(text as ms.StringValue) : undefined;
}

/** A duration as a caller writes it: a text with a unit. Parses to the same text. */
export const durationSchema = z
  .string()
  .max(20)
  .refine((text): text is ms.StringValue => {
    const value = parse(text);
    return value !== undefined && value <= MAX_DURATION_MS;
  }, `takes ${DURATION_FORM}`)
  .meta({ description: 'A length of time with its unit: 250ms, 30s, 5m.', examples: ['2s'] });
