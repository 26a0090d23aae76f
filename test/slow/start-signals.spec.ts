import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

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

describe('the start of the service', () => {
  const directory = temporaryDirectory();

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
});
