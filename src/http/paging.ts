import { z } from 'zod';

/** A position in a list: two whole numbers. */
type Place = readonly [number, number];

/** The query parameter `limit`: the size of a page. @param what such as `runs` */
export function pageLimit(most: number, otherwise: number, what?: string) {
  const description = what === undefined ? 'How many to show at most.' : `How many ${what} to show at most.`;
  return z.coerce
    .number()
    .int()
    .min(1)
    .max(most)
    .default(otherwise)
    .meta({ description, examples: [otherwise] });
}

/** A parameter that takes several values: separated by commas, or as repeated parameters. */
export function oneOrSeveral<T extends z.ZodType>(values: T) {
  return z.preprocess((given) => [given].flat().flatMap((value) => String(value).split(',')), values);
}

/** A position as a text that callers send back to get the next page. */
export function cursorOf(...place: Place): string {
  return Buffer.from(place.join('.')).toString('base64url');
}

/** The query parameter `cursor`, as made by {@link cursorOf}. @param example a place, for the documentation */
export function cursorSchema(description: string, example: Place) {
  return z
    .string()
    .meta({ description, examples: [cursorOf(...example)] })
    .transform((cursor, context): Place => {
      const place = placeOf(cursor);
      if (place) return place;
      context.addIssue('must be the `next` of an earlier page');
      return z.NEVER;
    });
}

function placeOf(cursor: string): Place | undefined {
  const [first = NaN, second = NaN] = Buffer.from(cursor, 'base64url').toString().split('.').map(Number);
  const isPlace = Number.isSafeInteger(first) && Number.isSafeInteger(second);
  return isPlace && cursorOf(first, second) === cursor ? [first, second] : undefined;
}
