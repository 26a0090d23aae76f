import { e2e, options, serial, suites } from './jest.config.js';

// Two seconds with one of the journals in `npm test`.
process.env.FUZZ_SECONDS ??= '10';
process.env.FUZZ_JOURNALS ??= 'memory,SQLite';

/** What takes long by nature: `npm run test:slow`. */
export default {
  ...options,
  projects: [
    { ...e2e, displayName: 'slow', testMatch: ['<rootDir>/test/slow/*.spec.ts'] },
    {
      ...e2e,
      displayName: 'clients',
      ...suites(['pages', 'clients'], ['<rootDir>/test/clients/*.spec.ts']),
      globalSetup: '<rootDir>/test/clients/install.ts',
      globalTeardown: null,
    },
    { ...e2e, ...serial, testMatch: ['<rootDir>/test/serial/fuzz.spec.ts'] },
  ],
};
