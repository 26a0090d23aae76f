import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ServiceProcess } from '../support/service-process.js';
import { tasksFiles } from '../support/tasks-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { UpstreamServer } from '../support/upstreams.js';

/** What an upstream answers. */
const LARGE = JSON.stringify('x'.repeat(1_000_000));
const HEAP_MB = 128;
/** While each run kept its result, the heap was full after 64. */
const RUNS = 80;
const CALLERS = 10;

describe('a service with a small heap', () => {
  const directory = temporaryDirectory();
  const write = tasksFiles();
  let upstream: UpstreamServer;
  let service: ServiceProcess;
  /** Resolves when the slow upstream answers. */
  let gate: PromiseWithResolvers<void>;
  beforeEach(async () => {
    gate = Promise.withResolvers();
    upstream = await UpstreamServer.start((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      if (request.url === '/large') response.end(LARGE);
      else void gate.promise.then(() => response.end('"slow"'));
    });
  });
  afterEach(async () => {
    await service.stop('SIGKILL');
    await upstream.close();
  });

  async function start(): Promise<void> {
    const call = (name: string) =>
      `{ name: ${name}, kind: http, url: '${upstream.origin}/${name}', allowPrivate: true, timeout: 10m }`;
    const file = write(
      `tasks:\n  large:\n    subTasks:\n      - ${call('large')}\n      - ${call('slow')}\n`,
    );
    const env = { TASKS_FILE: file, LOG_LEVEL: 'info', SHUTDOWN_GRACE: '0ms' };
    service = await ServiceProcess.start({
      env,
      directory,
      nodeArgs: [`--max-old-space-size=${HEAP_MB}`],
    });
  }

  /** Starts a run, when the service has room for it; its id, once it has replied. */
  async function replied(): Promise<string> {
    for (;;) {
      const response = await fetch(`${service.url}/tasks/large/runs`, { method: 'POST' });
      const { runId, result } = (await response.json()) as { runId: string; result: string };
      if (response.status === 200) {
        expect(result).toHaveLength(1_000_000);
        return runId;
      }
      expect(response.status).toBe(503);
      await delay(20);
    }
  }

  test('outlives the results of unfinished runs, and a kill, after which it takes all of them up', async () => {
    await start();
    const ids: string[] = [];
    const call = async (): Promise<void> => {
      while (ids.length < RUNS) ids.push(await replied());
    };
    await Promise.all(Array.from({ length: CALLERS }, call));
    expect(service.ended).toBe(false);

    await service.stop('SIGKILL');
    await start();
    await service.line(new RegExp(`^Resumed ${ids.length} unfinished runs`));
    gate.resolve();
    for (const id of ids) expect(await service.finishedRun(id)).toMatchObject({ status: 'succeeded' });
    expect(await service.stop()).toBe(0);
  }, 240_000);
});
