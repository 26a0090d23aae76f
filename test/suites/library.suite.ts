import { importSpecs } from '../support/import-specs.ts';

await importSpecs('test/e2e/library');
