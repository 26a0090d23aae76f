import { z } from 'zod';

/** A time as callers write it. Parses to milliseconds since 1970. */
export function timeSchema(description: string) {
  return z.iso
    .datetime({
      offset: true,
      error:
        'must be an RFC 3339 date-time with its zone, such as 2026-11-23T12:00:00Z (a + in it is written %2B in an address)',
    })
    .meta({ description, examples: ['2026-11-23T12:00:00Z'] })
    .transform((text) => Date.parse(text));
}
