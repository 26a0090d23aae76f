import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { specsIn } from '../../support/import-specs.js';
import { ROOT } from '../../support/type-check.js';

describe('the suites of npm test and npm run test:slow', () => {
  test('have each spec that stands beside sources, of contracts, of e2e tests and of clients, once', () => {
    const suites = globSync('test/suites/*.suite.ts', { cwd: ROOT });
    const imported = suites.flatMap((suite) => {
      const [, places = ''] = /importSpecs\((.+)\);/.exec(readFileSync(`${ROOT}/${suite}`, 'utf8'))!;
      return specsIn([...places.matchAll(/'([^']+)'/g)].map(([, place]) => place!));
    });
    const all = specsIn(['src', 'test/contract', 'test/e2e', 'test/clients']);
    expect(imported.toSorted()).toEqual(all.toSorted());
  });
});
