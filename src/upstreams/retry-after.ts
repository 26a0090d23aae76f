/** One of the three forms of dates that HTTP knows (RFC 9110, 5.6.7); all begin with a day of the week. */
const DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .{10,30}$/i;

/**
 * How long a `Retry-After` (RFC 9110, 10.2.3) asks to wait, in milliseconds; 0 for a time that is over. A fraction of a
 * second, which the standard doesn't know, is rounded up.
 *
 * @returns undefined for what is neither a number of seconds nor a date
 */
export function retryAfterMs(value: string | string[] | undefined, now: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text)) * 1000;
  if (!DATE.test(text)) return undefined;
  // The oldest form names no zone; all are in GMT.
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
