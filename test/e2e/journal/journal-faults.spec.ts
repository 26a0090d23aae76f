import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Response } from 'supertest';
import { DatabaseFile } from '../../support/database-file.js';
import { askFor, mend, startFaulty } from '../../support/faulty-service.js';
import type { ServiceProcess } from '../../support/service-process.js';

const DONE = ['first', 'second', 'third'].map((name) =>
  expect.objectContaining({ name, status: 'succeeded', attempts: 1 }),
);

describe('the journal', () => {
  let database: DatabaseFile;
  let service: ServiceProcess;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(async () => {
    await service.stop('SIGKILL');
    database.remove();
  });

  /** Runs the demo; resolves with the id of the run when it is answered. */
  const runDemo = async (): Promise<string> => {
    const response = await service.http.get('/run-tasks').expect(200, '{"result":"First result"}');
    return response.get('Location')!.slice('/runs/'.length);
  };
  const expectWholeRun = async (runId: string): Promise<void> =>
    expect(await service.finishedRun(runId)).toMatchObject({ status: 'succeeded', subTasks: DONE });
  const said = (message: RegExp) => service.lines.filter(({ msg }) => message.test(msg)).length;

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
    const underWay = await runDemo();
    const waiting = runDemo();
    while (database.runs() < 3) await delay(5);
    fill();
    // Commits that fail, if it comes before others do.
    const last = service.http.get('/run-tasks').then((response) => response);

    expect((await service.line(/^The journal can’t be written/)).msg).toMatch(/full disk; make room$/);
    expectRefusal(await service.http.get('/run-tasks'), 'journal-unavailable');
    expectRefusal(await service.http.post('/tasks/demo/runs').send({}), 'journal-unavailable');
    const ready = await service.http.get('/health/ready');
    expectRefusal(ready, 'not-ready');
    expect(ready.body).toMatchObject({ error: { journal: { status: 'down' } } });
    await service.http.get('/health/live').expect(200);
    await expectWholeRun(before);
    await service.http.get(`/runs/${underWay}`).expect(200);

    makeRoom();
    await service.line(/^The journal can be written again$/);
    for (const runId of [underWay, await waiting]) await expectWholeRun(runId);
    const { status } = await last;
    if (status !== 503) expect(status).toBe(200);
    await expectWholeRun(await runDemo());
    await service.http.get('/health/ready').expect(200);
    expect([said(/can’t be written/), said(/can be written again/)]).toEqual([1, 1]);
  }

  test('refuses new runs while commits fail for want of room, and loses none that it took before', async () => {
    service = await startFaulty(database, { DEMO_TIME_SCALE: '0.2' });
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
      service = await startFaulty(database, { DEMO_TIME_SCALE: '0.2' });
      await fillAndMakeRoom(
        () => writeUntilFull(filler),
        () => rmSync(filler),
      );
    } finally {
      await service.stop('SIGKILL');
      spawnSync('umount', [database.directory]);
    }
  });

  test('says of a run that it could not write before a stop that there may be none', async () => {
    service = await startFaulty(database, { DEMO_TIME_SCALE: '0.001' });
    const before = await runDemo();
    await expectWholeRun(before);
    askFor(database, 'full');
    const waiting = service.http.get('/run-tasks').then((response) => response);
    await service.line(/^The journal can’t be written/);
    expect(await service.stop()).toBe(0);
    const response = await waiting;
    expectRefusal(response, 'stopping');
    expect(response.body).toMatchObject({ detail: expect.stringContaining('send it again if') });
    expect(said(/^Stopped before \d+ events were written/)).toBe(1);
    mend(database, 'full');
    expect(database.flaws()).toEqual([]);
  });

  test('refuses new runs as long as more than 64 MiB wait for the disk, and loses none of those', async () => {
    service = await startFaulty(database, { DEMO_TIME_SCALE: '0.001', MAX_INPUT_BYTES: '100mb' });
    askFor(database, 'stuck');
    const stuck = runDemo();
    const large = service.http.post('/tasks/demo/runs').send({ input: 'x'.repeat(65 * 2 ** 20) });
    const largeAnswer = large.then(({ body }: Response) => body as { runId: string });
    while ((await service.http.get('/health/ready')).status === 200);
    expectRefusal(await service.http.get('/run-tasks'), 'overloaded');
    mend(database, 'stuck');
    await expectWholeRun(await stuck);
    await expectWholeRun((await largeAnswer).runId);
    await expectWholeRun(await runDemo());
    expect(said(/can’t be written/)).toBe(0);
  });

  test.each(['before', 'after'] as const)(
    'goes on when its thread ends %s a commit, and writes it once',
    async (moment) => {
      service = await startFaulty(database, { DEMO_TIME_SCALE: '0.01' });
      await expectWholeRun(await runDemo());
      askFor(database, moment, 'thread: COMMIT');
      const runId = await runDemo();
      await service.line(/^The journal can be written again$/);
      await expectWholeRun(runId);
      await expectWholeRun(await runDemo());
      expect(await service.stop()).toBe(0);
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
