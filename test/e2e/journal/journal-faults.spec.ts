import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Response } from 'supertest';
import { GroupCommit } from '../../../src/journal/group-commit.js';
import { askFor, faultsInThreads, mend } from '../../support/ask-for-faults.js';
import { ControlledTask } from '../../support/controlled-task.js';
import type { DatabaseFile } from '../../support/database-file.js';
import { DurableService } from '../../support/durable-service.js';
import type { TestApp } from '../../support/test-app.js';

describe('the journal', () => {
  let durable: DurableService;
  let database: DatabaseFile;
  let race: ControlledTask<'fast' | 'slow'>;
  let service: TestApp;
  beforeEach(() => {
    durable = new DurableService();
    ({ database } = durable);
    faultsInThreads(database);
    race = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    // A test that fails must not leave a thread waiting, which a stop would wait for.
    for (const fault of ['full', 'stuck'] as const) mend(database, fault);
    await durable.end();
    faultsInThreads(undefined);
  });

  const start = async (env: Readonly<Record<string, string>> = {}) => {
    service = await durable.start(race.providers, env);
  };
  /** Starts a run whose start is committed, and whose attempts go on until the test ends them. */
  const begin = async () => {
    const response = service.run('race');
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    await service.showRun(runId);
    return { response, runId, fast, slow };
  };
  const runDemo = async (): Promise<string> => {
    const { runId, result } = await service.answer('demo');
    expect(result).toBe('First result');
    return runId;
  };
  const expectWholeRun = async (runId: string): Promise<void> => {
    const { status, subTasks } = await service.finishedRun(runId);
    expect(status).toBe('succeeded');
    for (const subTask of subTasks) expect(subTask).toMatchObject({ status: 'succeeded', attempts: 1 });
  };
  const said = (message: RegExp) => service.log.lines.filter(({ msg }) => message.test(msg)).length;

  function expectRefusal(response: Response, code: string): void {
    expect(response.status).toBe(503);
    expect(response.get('Retry-After')).toBe('1');
    expect(response.body).toMatchObject({ type: `/problems/${code}` });
    expect(response.text).not.toContain(database.directory);
  }

  /** Fills the disk, sees what the service makes of that, and makes room again. */
  async function fillAndMakeRoom(fill: () => void, makeRoom: () => void): Promise<void> {
    const before = await runDemo();
    await expectWholeRun(before);
    const underWay = await begin();
    underWay.fast.succeed('won');
    expect((await underWay.response).body).toMatchObject({ result: 'won' });
    const waiting = await begin();
    fill();
    // Is the first to fail, and was taken before that was known.
    const last = service.run('race');

    expect((await service.log.line(/^The journal can’t be written/)).msg).toMatch(/full disk; make room$/);
    underWay.slow.succeed();
    waiting.fast.succeed('won at last');
    waiting.slow.succeed();
    expectRefusal(await service.http.get('/run-tasks'), 'journal-unavailable');
    expectRefusal(await service.run('demo'), 'journal-unavailable');
    const ready = await service.http.get('/health/ready');
    expectRefusal(ready, 'not-ready');
    expect(ready.body).toMatchObject({ error: { journal: { status: 'down' } } });
    await service.http.get('/health/live').expect(200);
    await expectWholeRun(before);
    expect(await service.showRun(underWay.runId)).toMatchObject({ status: 'running' });
    expect(await service.showRun(waiting.runId)).toMatchObject({ reply: null });

    makeRoom();
    await service.log.line(/^The journal can be written again$/);
    expect((await waiting.response).body).toMatchObject({ result: 'won at last' });
    const { fast, slow } = await race.all();
    fast.succeed('taken before');
    slow.succeed();
    expect((await last).body).toMatchObject({ result: 'taken before' });
    for (const runId of [underWay.runId, waiting.runId, fast.context.runId]) await expectWholeRun(runId);
    await expectWholeRun(await runDemo());
    await service.http.get('/health/ready').expect(200);
    expect([said(/^The journal can’t be written/), said(/can be written again/)]).toEqual([1, 1]);
    await durable.stop();
    expect(database.flaws()).toEqual([]);
  }

  test('refuses new runs while commits fail for want of room, and loses none that it took before', async () => {
    await start();
    await fillAndMakeRoom(
      () => askFor(database, 'full'),
      () => mend(database, 'full'),
    );
  });

  test('does the same on a disk that really is full', async () => {
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', database.directory]);
    if (status !== 0) {
      process.stderr.write('Skips the disk that really is full: no file system can be mounted here\n');
      return;
    }
    const filler = join(database.directory, 'filler');
    try {
      await start();
      await fillAndMakeRoom(
        () => writeUntilFull(filler),
        () => rmSync(filler),
      );
    } finally {
      rmSync(filler, { force: true });
      await durable.stop();
      spawnSync('umount', [database.directory]);
    }
  });

  test('says of a run that it could not write before a stop that there may be none', async () => {
    jest.replaceProperty(GroupCommit, 'drainMs', 20);
    await start();
    await expectWholeRun(await runDemo());
    askFor(database, 'full');
    const waiting = service.run('demo');
    await service.log.line(/^The journal can’t be written/);
    await durable.stop();
    const response = await waiting;
    expectRefusal(response, 'stopping');
    expect(response.body).toMatchObject({ detail: expect.stringContaining('send it again if') });
    expect(said(/^Stopped before \d+ events were written/)).toBe(1);
    mend(database, 'full');
    expect(database.flaws()).toEqual([]);
  });

  test('refuses new runs as long as what waits for the disk takes the memory that they may, and loses none of that', async () => {
    await start({ MAX_INPUT_BYTES: '100mb', MEMORY_BUDGET: '400mb' });
    askFor(database, 'stuck');
    const stuck = runDemo();
    const large = service.answer('demo', { input: 'x'.repeat(65 * 2 ** 20) });
    while ((await service.http.get('/health/ready')).status === 200);
    expectRefusal(await service.http.get('/run-tasks'), 'overloaded');
    mend(database, 'stuck');
    await expectWholeRun(await stuck);
    // Its end alone: to show it would be to send all of its input.
    const { data } = await service.event((await large).runId, 'run.finished');
    expect(data).toEqual({ status: 'succeeded' });
    await expectWholeRun(await runDemo());
    expect(said(/can’t be written/)).toBe(0);
    await durable.stop();
    expect(database.flaws()).toEqual([]);
  });

  test.each(['before', 'after'] as const)(
    'goes on when its thread ends %s a commit, and writes it once',
    async (moment) => {
      await start();
      await expectWholeRun(await runDemo());
      askFor(database, moment, 'thread: COMMIT');
      const runId = await runDemo();
      await service.log.line(/^The journal can be written again$/);
      await expectWholeRun(runId);
      await expectWholeRun(await runDemo());
      await durable.stop();
      expect(database.flaws()).toEqual([]);
    },
  );
});

function writeUntilFull(path: string): void {
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096);
  try {
    while (writeSync(file, page) === page.length);
  } catch {
    // It is.
  }
  closeSync(file);
}
