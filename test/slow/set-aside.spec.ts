import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { SqliteJournal } from '../../src/journal/sqlite/sqlite-journal.js';
import { ControlledTask } from '../support/controlled-task.js';
import { DurableService } from '../support/durable-service.js';
import { PastRun } from '../support/past-run.js';
import type { TestApp } from '../support/test-app.js';

/** So many starts in a row may die over a run. */
const STARTS = 5;

describe('a run that several starts died over', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  let run: PastRun;
  beforeEach(async () => {
    durable = new DurableService();
    race = new ControlledTask('race', { fast: {}, slow: {} });
    run = new PastRun('race', ['fast', 'slow'])
      .started('fast', 'slow')
      .succeeded('fast', 'won')
      .replied('fast', 'won');
    await durable.leave(run);
  });
  afterEach(() => durable.end());

  /** A start that takes the run up and dies over it. */
  async function die(): Promise<void> {
    await durable.start(race.providers);
    await race.next('slow');
    durable.crash();
  }

  async function dieOften(): Promise<TestApp> {
    for (let start = 0; start < STARTS; start += 1) await die();
    return durable.start(race.providers);
  }

  const listed = async (service: TestApp, status: string) =>
    ((await service.http.get(`/runs?status=${status}`).expect(200)).body as { runs: { id: string }[] }).runs;
  const post = (service: TestApp, command: string) =>
    service.http.post(`/runs/${run.id}/${command}`).expect(200);

  test('is set aside, which the log says at error, and shown so, and no read of it lets it go on', async () => {
    const service = await dieOften();
    const line = await service.log.line(/^1 runs are set aside/);
    expect(line).toMatchObject({ level: 'error', runIds: [run.id] });
    expect(await service.showRun(run.id)).toMatchObject({
      status: 'set-aside',
      reply: { result: 'won' },
      subTasks: [{ status: 'succeeded' }, { status: 'running' }],
    });
    expect(await listed(service, 'set-aside')).toMatchObject([{ id: run.id, status: 'set-aside' }]);
    expect(await listed(service, 'running')).toEqual([]);
    expect(service.events).toEqual([]);
  });

  test('has another ETag than in the last of them', async () => {
    const tagOf = async (service: TestApp) =>
      (await service.http.get(`/runs/${run.id}`).expect(200)).get('ETag')!;
    for (let start = 1; start < STARTS; start += 1) await die();
    const last = await durable.start(race.providers);
    await race.next('slow');
    const tag = await tagOf(last);
    durable.crash();
    const service = await durable.start(race.providers);
    expect(await tagOf(service)).not.toBe(tag);
    await service.http.get(`/runs/${run.id}`).set('If-None-Match', tag).expect(200);
    await service.http
      .get(`/runs/${run.id}`)
      .set('If-None-Match', await tagOf(service))
      .expect(304);
  });

  test('goes on when it is resumed, and is set aside again when that start dies too', async () => {
    const service = await dieOften();
    const { body } = (await post(service, 'resume')) as { body: unknown };
    expect(body).toMatchObject({ id: run.id, status: 'running' });
    await race.next('slow');
    expect(await listed(service, 'running')).toMatchObject([{ id: run.id }]);
    durable.crash();
    const next = await durable.start(race.providers);
    expect(await next.showRun(run.id)).toMatchObject({ status: 'set-aside' });
    await post(next, 'resume');
    (await race.next('slow')).succeed('late');
    expect(await next.finishedRun(run.id)).toMatchObject({ status: 'succeeded' });
    await post(next, 'resume');
    expect(await next.showRun(run.id)).toMatchObject({ status: 'succeeded' });
  });

  test('can be cancelled', async () => {
    const service = await dieOften();
    await post(service, 'cancel');
    expect(await service.showRun(run.id)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ status: 'succeeded' }, { status: 'cancelled' }],
    });
  });

  test('is not what a clean stop leaves: those deaths don’t count that came before', async () => {
    for (let start = 1; start < STARTS; start += 1) await die();
    await durable.start(race.providers);
    await race.next('slow');
    await durable.stop();
    for (let start = 1; start < STARTS; start += 1) await die();
    const service = await durable.start(race.providers);
    await race.next('slow');
    expect(await listed(service, 'set-aside')).toEqual([]);
  });

  test('is not what is left by a start that lives on for ten minutes: deaths before it don’t count', async () => {
    expect(SqliteJournal.survivalMs).toBe(600_000);
    for (let start = 1; start < STARTS; start += 1) await die();
    const survival = jest.replaceProperty(SqliteJournal, 'survivalMs', 10);
    const survivor = await durable.start(race.providers);
    await race.next('slow');
    survival.restore();
    const database = new DatabaseSync(durable.database.path, { readOnly: true });
    const starts = database.prepare('SELECT starts FROM open_runs');
    while (starts.get()?.starts !== 0) await survivor.http.get('/health/live').expect(200);
    database.close();
    durable.crash();
    for (let start = 1; start < STARTS; start += 1) await die();
    const service = await durable.start(race.providers);
    await race.next('slow');
    expect(await listed(service, 'set-aside')).toEqual([]);
  });
});
