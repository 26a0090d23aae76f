import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DatabaseFile } from '../../support/database-file.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import { ServiceProcess } from '../../support/service-process.js';
import type { TestApp } from '../../support/test-app.js';

describe('a database whose file is gone', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  let service: TestApp;
  let path: string;
  beforeEach(async () => {
    durable = new DurableService();
    ({ path } = durable.database);
    race = new ControlledTask('race', { fast: {}, slow: {} });
    service = await durable.start(race.providers);
  });
  afterEach(() => durable.end());

  const away = (): string => `${path}.away`;
  const said = (message: RegExp) => service.log.lines.filter(({ msg }) => message.test(msg)).length;

  async function expectRefusals(why: RegExp): Promise<void> {
    const { level, msg } = await service.log.line(/^The journal can’t be written/);
    expect({ level, msg }).toEqual({ level: 'error', msg: expect.stringMatching(why) });
    await expectProblem(service, await service.run('race'), 503, 'journal-unavailable');
    const ready = await service.http.get('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ error: { journal: { status: 'down' } } });
  }

  /** Sees that it takes runs again, and that these are in the file. */
  async function expectServing(): Promise<void> {
    await service.log.line(/^The journal can be written again$/);
    await service.http.get('/health/ready').expect(200);
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    expect(said(/^The journal can’t be written/)).toBe(1);
    await durable.stop();
    expect(durable.database.flaws()).toEqual([]);
  }

  test.each([
    [
      'moved',
      () => renameSync(path, away()),
      /moved or deleted while it is in use; move it back, or restart/,
    ],
    [
      'replaced',
      () => {
        renameSync(path, away());
        copyFileSync(away(), path);
      },
      /was replaced while it is in use; move it back, or restart/,
    ],
  ])('is noticed when it is %s, also while nobody calls, until it is back', async (_how, lose, why) => {
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    lose();
    await expectRefusals(why);
    expect((await service.showRun(runId)).status).toBe('succeeded');
    renameSync(away(), path);
    await expectServing();
  });

  test('has nobody told what is committed to it, until it is back', async () => {
    let told = false;
    const answer = service.answer('race').then((body) => {
      told = true;
      return body;
    });
    const { fast, slow } = await race.all();
    renameSync(path, away());
    fast.succeed('won');
    await expectRefusals(/moved or deleted/);
    expect(told).toBe(false);
    renameSync(away(), path);
    expect(await answer).toMatchObject({ result: 'won' });
    slow.succeed();
    await expectServing();
  });

  test('takes runs again by itself when only its write-ahead log is deleted, and loses none', async () => {
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    rmSync(`${path}-wal`);
    expect((await service.log.line(/^The journal can’t be written/)).msg).toMatch(
      /lost its write-ahead log .*; its content is moved to the database/,
    );
    await expectServing();
    service = await durable.start(race.providers);
    expect((await service.showRun(runId)).status).toBe('succeeded');
  });
});

describe('a process that loses its database to another one', () => {
  let database: DatabaseFile;
  const processes: ServiceProcess[] = [];
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) await process.stop('SIGKILL');
    database.remove();
  });

  async function start(): Promise<ServiceProcess> {
    const process = await ServiceProcess.start({
      env: { DATABASE_URL: database.url, DEMO_TIME_SCALE: '0.01' },
    });
    processes.push(process);
    return process;
  }

  test('ends and says why, and none of what both have told is lost', async () => {
    const first = await start();
    const told: string[] = [];
    const callers = [1, 2, 3].map(async () => {
      for (;;) {
        const response = await first.http.post('/tasks/demo/runs').catch(() => undefined);
        if (response?.status !== 200) return;
        told.push((response.body as { runId: string }).runId);
      }
    });
    while (told.length < 10) await first.http.get('/health/live');
    rmSync(`${database.path}.lock`);
    const second = await start();
    const response = await second.http.post('/tasks/demo/runs').expect(200);
    told.push((response.body as { runId: string }).runId);
    await first.line(/^Another process has taken over the journal, and with it all runs: this one ends$/);
    expect(await first.stop()).toBe(1);
    await Promise.all(callers);
    const why = new RegExp(
      `is written by the process ${second.pid} on \\S+ since \\S+ now; end one of the two`,
    );
    expect(first.lines.some(({ msg }) => why.test(msg))).toBe(true);
    for (const runId of told)
      expect((await second.finishedRun(runId)).reply).toMatchObject({ result: 'First result' });
    await second.stop();
    expect(database.flaws()).toEqual([]);
  });

  test('ends also while nobody calls it', async () => {
    const first = await start();
    rmSync(`${database.path}.lock`);
    await start();
    await first.line(/^Another process has taken over the journal/);
    expect(await first.stop()).toBe(1);
  });
});
