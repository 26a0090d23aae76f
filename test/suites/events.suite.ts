import { importSpecs } from '../support/import-specs.ts';

await importSpecs('test/contract', 'test/e2e/events');
