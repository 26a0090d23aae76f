import { expect, test } from '@jest/globals';
import { readConfig } from './config.module.js';

test('reading the configuration leaves the environment to other processes as it was', async () => {
  expect(await readConfig()).toHaveProperty('NODE_TIMEOUT');
  expect(process.env).not.toHaveProperty('NODE_TIMEOUT');
});
