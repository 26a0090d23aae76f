import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TestApp } from '../../support/test-app.js';

describe('GET /run-tasks', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { DEMO_TIME_SCALE: '0.1' } });
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

    const runId = location.slice('/runs/'.length);
    const { data } = await service.event(runId, 'run.replied');
    expect(data).toMatchObject({ status: 'running', background: ['second', 'third'] });
    expect(await service.finishedRun(runId)).toMatchObject({
      task: 'demo',
      status: 'succeeded',
      subTasks: [{ result: 'First result' }, { result: 'Second result' }, { result: 'Third result' }],
    });
    expect(service.log.messagesOf(runId)).toEqual([
      'demo accepted',
      'first done',
      expect.stringMatching(/^demo replied in \d+ ms: first won; second, third go on$/),
      'third done',
      'second done',
    ]);
    const lines = service.log.lines.filter((line) => line.runId === runId);
    expect(lines).toEqual(lines.map(() => expect.objectContaining({ level: 'log', task: 'demo' })));
    expect(lines[2]).toMatchObject({
      answeredBy: 'first',
      replyMs: data.durationMs,
      background: ['second', 'third'],
    });
  });

  test('gives the run of before to the same Idempotency-Key', async () => {
    const send = () => service.http.get('/run-tasks').set('Idempotency-Key', '"demo"').expect(200);
    const first = await send();
    const again = await send();
    expect(again.get('Location')).toBe(first.get('Location'));
    expect([first, again].map((response) => response.get('Idempotency-Replayed'))).toEqual([
      undefined,
      'true',
    ]);
    await service.finishedRun(first.get('Location')!.slice('/runs/'.length));
  });

  test('starts another run for each request', async () => {
    const responses = await Promise.all([1, 2, 3].map(() => service.http.get('/run-tasks').expect(200)));
    const locations = responses.map((response) => response.get('Location')!);
    expect(new Set(locations).size).toBe(3);
    for (const location of locations) await service.finishedRun(location.slice('/runs/'.length));
  });
});
