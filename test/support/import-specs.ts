import { globSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Makes one suite of specs, so that what they import is imported once. @param places of them, as of `specsIn` */
export async function importSpecs(...places: readonly string[]): Promise<void> {
  for (const spec of specsIn(places).toSorted()) await import(resolve(ROOT, spec));
}

/** The specs below folders, and those that globs find. */
export function specsIn(places: readonly string[]): string[] {
  const globs = places.map((place) => (place.endsWith('.spec.ts') ? place : `${place}/**/*.spec.ts`));
  return globSync(globs, { cwd: ROOT, exclude: ['**/node_modules'] });
}
