/** Matches the three date formats of HTTP (RFC 9110, 5.6.7). All begin with a weekday. */
const DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .{10,30}$/i;

/**
 * How long a `Retry-After` (RFC 9110, 10.2.3) asks to wait, in milliseconds; 0 for a time in the past. Fractions of a second, which the
 * standard doesn't have, are rounded up.
 *
 * @returns undefined for a value that is neither a number of seconds nor a date
 */
export function retryAfterMs(value: string | string[] | undefined, now: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text)) * 1000;
  if (!DATE.test(text)) return undefined;
  // The oldest format has no time zone; all are in GMT.
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
