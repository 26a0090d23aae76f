import './expect.js';

export { FrontrunnerTesting, type TestingOptions } from './frontrunner-testing.js';
export { frontrunnerMatchers, type FrontrunnerMatchers } from './matchers.js';
export type { Stub } from './stub.js';
export type { SubTaskCall } from './tested-sub-tasks.js';
export type { EventFilter, TestRun } from './test-run.js';
