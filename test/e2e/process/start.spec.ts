import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { variables } from '../../../src/config/config.js';
import { ServiceProcess } from '../../support/service-process.js';

/** Sends the process a signal when it turns to its database. */
const signalled = (signal: string) =>
  `data:text/javascript,import { DatabaseSync } from 'node:sqlite';
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    process.kill(process.pid, '${signal}');
    return exec.call(this, sql);
  };`;

const STACK = /\n\s+at |file:\/\//;

describe('the start of the service', () => {
  test.each([
    ['PORT', 'abc'],
    ['DEMO_TIME_SCALE', '-1'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['SHUTDOWN_GRACE', 'soon'],
    ['MAX_INPUT_BYTES', '1gb'],
  ] as const)('is refused when %s is %j, with what it takes', async (name, value) => {
    const { code, stdout, stderr } = await ServiceProcess.run({ env: { [name]: value } });
    expect(code).toBe(1);
    expect(stderr).toContain(`${name} is "${value}"; it takes ${variables[name].takes}`);
    expect(stdout + stderr).not.toMatch(STACK);
  });

  test('is refused with every variable that is wrong, those of the file .env included', async () => {
    const { code, stderr } = await ServiceProcess.run({
      env: { PORT: 'abc', MAX_RESULT_BYTES: 'much' },
      envFile: 'MAX_QUEUED_RUNS=none\nLOG_LEVEL=info\n',
    });
    expect(code).toBe(1);
    for (const name of ['PORT is "abc"', 'MAX_RESULT_BYTES is "much"', 'MAX_QUEUED_RUNS is "none"']) {
      expect(stderr).toContain(`${name}; it takes `);
    }
    expect(stderr).not.toContain('LOG_LEVEL');
  });

  test('is refused when another process has the PORT', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await ServiceProcess.run({ env: { PORT: String(port) } });
    expect(code).toBe(1);
    expect(stderr).toContain(`PORT ${port} on 127.0.0.1 is taken by another process; set another PORT`);
    expect(stdout + stderr).not.toMatch(STACK);
    other.close();
    await once(other, 'close');
  });

  test('is refused when HOST is no address of the machine', async () => {
    const { code, stderr } = await ServiceProcess.run({
      env: { HOST: '192.0.2.1', ALLOW_ANONYMOUS: 'true' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/HOST is no address of this machine/);
  });

  test.each(['SIGTERM', 'SIGINT'])('ends as a clean stop when %s comes before it is over', async (signal) => {
    const { code, stdout, stderr } = await ServiceProcess.run({
      env: { DATABASE_URL: 'sqlite:runs.db' },
      nodeArgs: ['--import', signalled(signal)],
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('Listening');
  });

  test.each(['--help', '-h'])('only tells of every variable with %s', async (option) => {
    const { code, stdout, stderr } = await ServiceProcess.run({ args: [option], env: { PORT: 'abc' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: /);
    for (const [name, { purpose, takes, fallback }] of Object.entries(variables)) {
      expect(stdout).toContain(`${name}\n      ${purpose}\n      Takes ${takes}. Default: ${fallback}`);
    }
  });

  test.each(['--port=1', 'start'])('is refused with an argument that it has not: %s', async (argument) => {
    const { code, stdout, stderr } = await ServiceProcess.run({ args: [argument] });
    expect(code).toBe(1);
    expect(stderr).toContain(argument.split('=')[0]);
    expect(stderr).toContain('--help');
    expect(stdout + stderr).not.toMatch(STACK);
  });
});
