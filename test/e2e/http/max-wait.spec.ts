import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });

// How many seconds that are, src/http/prefer.spec.ts asks.
describe('a wait that is over', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ providers: race.providers, env: { MAX_WAIT: '20ms' } });
  });
  afterAll(() => service.close());
  const end = async (): Promise<string> => {
    const { fast, slow } = await race.all();
    fast.succeed();
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
    return fast.context.runId;
  };

  test('is cut to MAX_WAIT, which bounds the wait of those without a preference too', async () => {
    const start = () => service.http.post('/tasks/race/runs');
    const [asked, silent] = await Promise.all([
      start().set('Prefer', 'wait=1000').send({}),
      start().send({}),
    ]);
    expect([asked.status, asked.get('Preference-Applied')]).toEqual([202, 'wait=0']);
    expect([silent.status, silent.get('Preference-Applied')]).toEqual([202, undefined]);
    const ids = [await end(), await end()];
    expect(ids.sort()).toEqual([asked, silent].map(({ body }) => (body as { id: string }).id).sort());
  });

  test('answers GET /runs/{id} with the run as it is, or 304', async () => {
    const accepted = await service.http.post('/tasks/race/runs').set('Prefer', 'respond-async').send({});
    const path = accepted.get('Location')!;
    // Both sub-tasks have begun, so nothing of the run changes any more.
    const { fast, slow } = await race.all();
    const tag = (await service.http.get(path)).get('ETag')!;
    const asItIs = await service.http.get(path).set('Prefer', 'wait=1').expect(200);
    expect(asItIs.body).toMatchObject({ status: 'running' });
    await service.http.get(path).set('Prefer', 'wait=1').set('If-None-Match', tag).expect(304);
    fast.succeed();
    slow.succeed();
    await service.event(fast.context.runId, 'run.finished');
  });
});
