import { importSpecs } from '../support/import-specs.ts';

await importSpecs('src');
