import { importSpecs } from '../support/import-specs.ts';

await importSpecs('test/clients/{clients,tools,transactions}.spec.ts');
