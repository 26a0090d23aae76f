import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
        module: { type: 'es6' },
      },
    ],
  },
};

/** @nestjs/throttler requires Nest’s ES modules, which Jest allows only before something has begun to import them. */
const setupFiles = ['reflect-metadata', '@nestjs/throttler'];

/** Whether the command line names specs. Without, the specs of a folder are one suite, which imports all that they share once. */
const namesSpecs = process.argv
  .slice(2)
  .some((arg) => arg.startsWith('--testPath') || !(arg.startsWith('-') || Number.isFinite(Number(arg))));

export const suites = (names, specs) => ({
  testMatch: namesSpecs ? specs : names.map((name) => `<rootDir>/test/suites/${name}.suite.ts`),
});

/** Suites that start services or databases. */
export const e2e = {
  ...shared,
  setupFiles,
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
};

/** One suite after the other, when no others run: for those that measure time. */
export const serial = { displayName: 'serial', runner: '<rootDir>/test/support/serial-runner.cjs' };

export const options = {
  testTimeout: 60_000,
  // Suites wait for the processes that they start for a third of their time.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  reporters: ['default', '<rootDir>/test/support/closing-line.js'],
};

export default {
  ...options,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      ...suites(['unit'], ['<rootDir>/src/**/*.spec.ts']),
      setupFiles: [...setupFiles, '<rootDir>/test/support/silence.ts'],
    },
    {
      ...e2e,
      displayName: 'e2e',
      ...suites(
        ['http', 'runs', 'events', 'journal', 'cluster', 'upstreams', 'library', 'process'],
        ['<rootDir>/test/{contract,e2e}/**/*.spec.ts'],
      ),
    },
    { ...e2e, ...serial, testMatch: ['<rootDir>/test/serial/*.spec.ts'] },
  ],
};
