import { globSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Makes one suite of all specs in some folders, so that what they import is imported once. */
export async function importSpecs(...folders: readonly string[]): Promise<void> {
  const specs = globSync(
    folders.map((folder) => `${folder}/**/*.spec.ts`),
    { cwd: ROOT },
  );
  for (const spec of specs.toSorted()) await import(resolve(ROOT, spec));
}
