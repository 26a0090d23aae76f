import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestApp } from '../support/test-app.js';

describe('GET /run-tasks', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { DEMO_TIME_SCALE: '0.02' } });
  });
  afterAll(() => service.close());

  test('answers with the first result while the others go on, and the log tells of them in their order', async () => {
    const response = await service.http
      .get('/run-tasks')
      .expect(200)
      .expect('Content-Type', /^application\/json/);
    expect(response.text).toBe('{"result":"First result"}');
    const location = response.get('Location')!;
    expect(location).toMatch(/^\/runs\/[0-9a-f-]{36}$/);
    const during = await service.http.get(location).expect(200);
    expect(during.body).toMatchObject({ status: 'running', finishedAt: null });

    const runId = location.slice('/runs/'.length);
    await service.event(runId, 'run.finished');
    expect(service.log.messagesOf(runId).filter((msg) => msg.endsWith('done'))).toEqual([
      'first done',
      'third done',
      'second done',
    ]);
  });
});
