import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { variables } from '../../../src/config/variables.js';
import { ServiceProcess } from '../../support/service-process.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

/**
 * Sends the process a signal at a moment of its start, while the thread is busy: what hears it is told later. A process that it
 * doesn’t end would outlive the test, but for the timer.
 */
const signalledAt = (moment: string) =>
  `data:text/javascript,import fs from 'node:fs';
  import { Server } from 'node:http';
  import { registerHooks, syncBuiltinESMExports } from 'node:module';
  import { DatabaseSync } from 'node:sqlite';
  const signal = () => process.kill(process.pid, 'SIGTERM');
  const before = (target, method, isIt = () => true) => {
    const { [method]: original } = target;
    target[method] = function (...given) {
      if (isIt(...given)) signal();
      return original.apply(this, given);
    };
    syncBuiltinESMExports();
  };
  setTimeout(() => process.exit(3), 50_000).unref();
  let modules = 0;
  ${moment}`;

/** The moments at which a start loads its modules, 250 of them apart, and those of what it waits for. */
const MOMENTS = {
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, at) => [
      `module ${at * 250 + 3} is loaded`,
      `registerHooks({ load(...given) { if (++modules === ${at * 250 + 3}) signal(); return given[2](given[0], given[1]); } })`,
    ]),
  ),
  'the database is opened': `before(DatabaseSync.prototype, 'exec')`,
  'the tasks file is read': `before(fs, 'readFileSync', (file) => String(file).endsWith('tasks.yaml'))`,
  'the server begins to listen': `before(Server.prototype, 'listen')`,
  'the server listens': `before(Server.prototype, 'emit', (event) => event === 'listening')`,
};

/** Makes it look as if the parent had ended when the server begins to listen. */
const PARENT_ENDS = `data:text/javascript,import { Server } from 'node:http';
  setTimeout(() => process.exit(3), 50_000).unref();
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...given) {
    Object.defineProperty(process, 'ppid', { value: process.ppid + 1 });
    return listen.apply(this, given);
  }`;

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

  test.each(Object.entries(MOMENTS))(
    'ends as a clean stop when SIGTERM comes as %s',
    async (_when, moment) => {
      const file = join(directory, 'tasks.yaml');
      writeFileSync(file, 'tasks:\n  one: { subTasks: [{ kind: class, class: FirstSubTask }] }\n');
      const { code, stderr } = await ServiceProcess.run({
        env: { DATABASE_URL: 'sqlite:runs.db', TASKS_FILE: file },
        nodeArgs: ['--import', signalledAt(moment)],
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );

  test('ends when npm has ended before it is over: npm passes no signal on', async () => {
    const service = await ServiceProcess.run({
      env: { DATABASE_URL: 'memory:', npm_lifecycle_event: 'start' },
      nodeArgs: ['--import', PARENT_ENDS],
    });
    expect(service).toMatchObject({ code: 0, stderr: '' });
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
