import { afterAll } from '@jest/globals';
import { importSpecs } from '../support/import-specs.ts';
import { activeResources, expectNothingLeft } from '../support/resources.ts';

const before = await activeResources();
await importSpecs('src');

// A worker of Jest that doesn’t end by itself is killed.
afterAll(() => expectNothingLeft(before));
