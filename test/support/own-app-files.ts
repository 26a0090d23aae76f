import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from './type-check.js';

const PAGE = readFileSync(resolve(ROOT, 'docs/guide/in-your-own-app.md'), 'utf8');

/** The files of the guide's page, as if they stood beside the library: their code by their names, without their endings. */
export function ownAppFiles(database: string): Map<string, string> {
  const blocks = PAGE.matchAll(/```ts\n\/\/ src\/(\S+)\.ts\n([^]*?)```/g);
  return new Map(
    [...blocks].map(([, name, code]) => [
      `own-${name!}`,
      code!
        .replace("'@frontrunner/nestjs'", "'../index.js'")
        .replaceAll(/'\.\/(greet|app\.module)\.js'/g, "'./own-$1.js'")
        .replace('sqlite:./data/app.db', database),
    ]),
  );
}
