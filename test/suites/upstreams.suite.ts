import { importSpecs } from '../support/import-specs.ts';

await importSpecs('test/e2e/upstreams', 'test/e2e/webhooks');
