import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { variables } from '../../../src/config/variables.js';
import { ServiceProcess } from '../../support/service-process.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const STACK = /\n\s+at |file:\/\//;

// What is said of each mistake, the functions that refuse are asked: see src/start-error.spec.ts, src/config/config.spec.ts
// and src/access/access.spec.ts. Here is what only a process can show.
describe('the start of the service', () => {
  const directory = temporaryDirectory();

  test('is refused with every variable that is wrong, those of the file .env included', async () => {
    const { code, stdout, stderr } = await ServiceProcess.run({
      env: { PORT: 'abc', MAX_RESULT_BYTES: 'much' },
      envFile: 'MAX_QUEUED_RUNS=none\nLOG_LEVEL=info\n',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    for (const name of ['PORT is "abc"', 'MAX_RESULT_BYTES is "much"', 'MAX_QUEUED_RUNS is "none"']) {
      expect(stderr).toContain(`${name}; it takes `);
    }
    expect(stderr).not.toContain('LOG_LEVEL');
    expect(stderr).not.toMatch(STACK);
  });

  test('is refused where others reach it without API keys, before a database is made', async () => {
    const { code, stdout, stderr } = await ServiceProcess.run({ env: { HOST: '0.0.0.0' }, directory });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^HOST is 0\.0\.0\.0, which others than this machine may reach/);
    expect(stderr).not.toMatch(STACK);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is refused when another process has the PORT of the HOST', async () => {
    const other = createServer().listen(0, 'localhost');
    await once(other, 'listening');
    const { port, address } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await ServiceProcess.run({
      env: { HOST: 'localhost', PORT: String(port) },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`PORT ${port} on ${address} is taken by another process; set another PORT`);
    expect(stdout + stderr).not.toMatch(STACK);
    other.close();
    await once(other, 'close');
  });

  test('only tells of every variable with --help, whatever they are', async () => {
    const { code, stdout, stderr } = await ServiceProcess.run({ args: ['--help'], env: { PORT: 'abc' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: /);
    for (const [name, { purpose, takes, fallback }] of Object.entries(variables)) {
      expect(stdout).toContain(`${name}\n      ${purpose}\n      Takes ${takes}. Default: ${fallback}`);
    }
  });
});
