import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyLog } from '../../../src/journal/sqlite/verify-log.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';

describe('a damaged journal', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  /** Leaves the events of some runs in the database, each in commits of its own. */
  async function leaveRuns(): Promise<string[]> {
    const service = await durable.start();
    const runIds: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      const { runId } = await service.answer('demo', { input: `input ${run}` });
      await service.finishedRun(runId);
      runIds.push(runId);
    }
    await durable.stop();
    return runIds;
  }

  test.each(['/events', '/runs/:id', '/runs/:id/events'])(
    'is noticed by whoever reads it at %s, told in the log, and takes no new runs',
    async (route) => {
      const [runId] = await leaveRuns();
      const { path } = durable.database;
      const bytes = readFileSync(path);
      // Within an event, so that the row is JSON as before.
      for (let at = bytes.indexOf('input 0'); at >= 0; at = bytes.indexOf('input 0', at))
        bytes.write('X', at);
      writeFileSync(path, bytes);
      const service = await durable.start();
      await service.http.get('/health/ready').expect(200);
      const read = await service.http.get(route.replace(':id', runId!)).set('Accept', 'application/json');
      await expectProblem(service, read, 503, 'journal-unavailable');
      const said = await service.log.line(/^The journal is damaged, and takes no new runs: /);
      expect(said).toMatchObject({
        level: 'error',
        msg: expect.stringMatching(
          /is damaged: events \d+ to \d+ are not what was written; “frontrunner journal/,
        ),
      });
      await expectProblem(service, await service.run('demo'), 503, 'journal-unavailable');
      const ready = await service.http.get('/health/ready').expect(503);
      expect(ready.body).toMatchObject({
        error: { journal: { message: expect.stringMatching(/is damaged/) } },
      });
    },
  );

  test.each<[string, string, (runId: string) => [string, Record<string, string>]]>([
    ['the row of a finished run', "UPDATE runs SET status = 'failed'", (runId) => [`/runs/${runId}`, {}]],
    [
      'an idempotency key',
      'UPDATE idempotency_keys SET fingerprint = fingerprint || 0',
      () => ['/tasks/demo/runs', { 'Idempotency-Key': '"k"' }],
    ],
  ])('is noticed when it is read, and by verify: %s', async (_what, change, requestFor) => {
    let service = await durable.start();
    const keyed = service.http.post('/tasks/demo/runs').set('Idempotency-Key', '"k"');
    const { runId } = (await keyed.expect(200)).body as { runId: string };
    await service.finishedRun(runId);
    await durable.stop();
    const { path } = durable.database;
    const file = new DatabaseSync(path);
    expect(verifyLog(path).flaws).toEqual([]);
    file.exec(change);
    file.close();
    expect(verifyLog(path).flaws).not.toEqual([]);
    service = await durable.start();
    const [route, headers] = requestFor(runId);
    const asked = 'Idempotency-Key' in headers ? service.http.post(route) : service.http.get(route);
    await expectProblem(service, await asked.set(headers), 503, 'journal-unavailable');
    await service.log.line(/^The journal is damaged, and takes no new runs: /);
  });

  test.each([
    ['status', "UPDATE runs SET status = 'failed' WHERE id = :id", ''],
    ['status', "UPDATE runs SET status = 'failed' WHERE id = :id", '?task=held'],
    ['end', 'UPDATE runs SET finished_at = finished_at + 1 WHERE id = :id', ''],
    ['task', "UPDATE runs SET task = 'hold' WHERE id = :id", ''],
    ['client', "UPDATE runs SET client = 'me' WHERE id = :id", ''],
    ['label', "UPDATE run_labels SET label = 'a:c'", ''],
    ['time of a label', 'UPDATE run_labels SET labelled_at = labelled_at - 1', '?label=a:b'],
    ['time', 'UPDATE runs SET created_at = created_at - 1 WHERE id = :id', ''],
    ['task of an open run', "UPDATE open_runs SET task = 'hold'", ''],
    ['state of an open run', 'UPDATE open_runs SET set_aside = 1', ''],
  ])('is noticed by whoever lists runs: the %s of one, by %s at /runs%s', async (_what, change, query) => {
    const held = new ControlledTask('held', { only: {} });
    let service = await durable.start(held.providers);
    await service.http
      .post('/tasks/held/runs')
      .set('Prefer', 'respond-async')
      .send({ labels: { a: 'b' } });
    (await held.next('only')).succeed();
    const runId = service.events[0]!.runId;
    await service.finishedRun(runId);
    await service.http.post('/tasks/held/runs').set('Prefer', 'respond-async').send({});
    expect((await service.http.get('/runs').expect(200)).body).toMatchObject({
      runs: [{ status: 'running' }, { status: 'succeeded', labels: { a: 'b' } }],
    });
    await durable.stop();
    const { path } = durable.database;
    expect(verifyLog(path).flaws).toEqual([]);
    const file = new DatabaseSync(path);
    file.exec(change.replace(':id', `'${runId}'`));
    file.close();
    expect(verifyLog(path).flaws).not.toEqual([]);

    service = await durable.start(held.providers);
    const list = await service.http.get(`/runs${query}`);
    await expectProblem(service, list, 503, 'journal-unavailable');
    const said = await service.log.line(/^The journal is damaged, and takes no new runs: /);
    expect(said).toMatchObject({ level: 'error', msg: expect.stringMatching(/ is not what was written/) });
    await service.http.get('/health/ready').expect(503);
  });

  test('says after a crash how far it reaches, and is refused where the end of what was told is missing', async () => {
    const service = await durable.start();
    const before = durable.database.path;
    const { runId } = await service.answer('demo');
    await service.finishedRun(runId);
    durable.crash();
    const { path } = durable.database;
    const crashed = [path, `${path}-wal`].map((file) => [file, readFileSync(file)] as const);
    copyFileSync(`${before}.end`, `${path}.end`);
    const next = await durable.start();
    expect((await next.log.line(/^No stop has closed the log/)).msg).toMatch(/reaches event \d+ of 2/);
    await durable.stop();

    for (const [file, content] of crashed) writeFileSync(file, content);
    truncateSync(`${path}-wal`, statSync(`${path}-wal`).size - 100);
    const lost =
      /is damaged: events \d+ to \d+ are missing, which had been told \(delete \S+\.end to go on without\)/;
    await expect(durable.start()).rejects.toThrow(lost);
    await expect(durable.start()).rejects.toThrow(lost);
    rmSync(`${path}.end`);
    await durable.start();
  });
});
