import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import type { TestApp } from '../../support/test-app.js';

describe('a task with concurrencyKey', () => {
  let durable: DurableService;
  beforeEach(() => {
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  const env = { MAX_CONCURRENT_SUB_TASKS: '2', MAX_QUEUED_RUNS: '8' };
  const taskOf = () =>
    new ControlledTask('report', { only: {} }, { concurrencyKey: '{labels.tenant}', concurrencyPerKey: 2 });
  const start = ({ http }: TestApp, tenant: string) => {
    const body = { input: tenant, labels: { tenant } };
    return http.post('/tasks/report/runs').set('Prefer', 'respond-async').send(body);
  };
  const keys = async ({ http }: TestApp) => {
    const { body } = (await http.get('/queue').expect(200)) as { body: { keys: unknown } };
    return body.keys;
  };

  test('lets no tenant wait behind the burst of another, says who waits, and goes on so after a crash', async () => {
    const task = taskOf();
    const service = await durable.start(task.providers, env);
    expect((await service.http.get('/tasks/report').expect(200)).body).toMatchObject({
      concurrencyKey: '{labels.tenant}',
      concurrencyPerKey: 2,
    });
    for (let n = 0; n < 6; n += 1) await start(service, 'big').expect(202);
    const refused = await start(service, 'big');
    await expectProblem(service, refused, 503, 'overloaded');
    expect(refused.text).toContain('4 runs of the key [\\"big\\"] wait for a free slot');
    await start(service, 'small').expect(202);
    expect(await keys(service)).toEqual([
      { key: '["big"]', queued: 4 },
      { key: '["small"]', queued: 1 },
    ]);
    const first = await task.next('only');
    await task.next('only');
    first.succeed();
    expect((await task.next('only')).input).toBe('small');
    await service.event(first.context.runId, 'run.finished');

    durable.crash();
    const again = taskOf();
    const resumed = await durable.start(again.providers, env);
    const before = [await again.next('only'), await again.next('only')];
    expect(before.map(({ input }) => input)).toEqual(['big', 'big']);
    const waiting = [
      { key: '["big"]', queued: 3 },
      { key: '["small"]', queued: 1 },
    ];
    while (!isDeepStrictEqual(await keys(resumed), waiting));
    for (const { succeed } of before) succeed();
    const next = [await again.next('only'), await again.next('only')];
    expect(next.map((attempt) => attempt.input)).toContain('small');
    expect(await keys(resumed)).toEqual([{ key: '["big"]', queued: 2 }]);
  });
});
