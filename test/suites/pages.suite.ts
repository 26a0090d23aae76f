import { importSpecs } from '../support/import-specs.ts';

await importSpecs('test/clients/{page,page-*,documentation,screenshots}.spec.ts');
