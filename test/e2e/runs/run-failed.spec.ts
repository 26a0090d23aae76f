import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

const tardy = new ControlledTask('tardy', { tardy: { timeout: 10 } });
const doomed = inlineTask('doomed', {
  thrower: { run: () => Promise.reject(new TypeError('no such shop')) },
  sleeper: { timeout: 10, run: () => new Promise(() => undefined) },
  counter: { run: () => NaN },
  talker: { run: () => 'x'.repeat(2_000) },
});

describe('a run in which every sub-task fails', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { MAX_RESULT_BYTES: '1kb' },
      providers: [...doomed, ...tardy.providers],
    });
  });
  afterAll(() => service.close());

  test('is answered with the failure of each, and can be looked up', async () => {
    const response = await service.run('doomed');
    const { runId, failures, ...rest } = await expectProblem(service, response, 502, 'run-failed');
    expect(rest).toEqual({});
    expect(failures).toHaveLength(4);
    expect(failures).toEqual(
      expect.arrayContaining([
        { subTask: 'thrower', code: 'threw', message: 'no such shop' },
        { subTask: 'sleeper', code: 'timeout', message: 'took longer than 10 ms' },
        { subTask: 'counter', code: 'result-not-json', message: expect.stringContaining('NaN') },
        { subTask: 'talker', code: 'result-too-large', message: expect.stringContaining('2002 bytes') },
      ]),
    );
    expect(response.get('Location')).toBe(`/runs/${String(runId)}`);
    const run = await service.http.get(response.get('Location')!).expect(200);
    expect(run.body).toMatchObject({ status: 'failed', reply: { error: { failures } } });
    expect(run.text).not.toMatch(/ {4}at |stack|TypeError/);
  });

  test.each(['succeed', 'fail'] as const)(
    'stays as it is when a sub-task that timed out goes on to %s',
    async (late) => {
      const pending = service.run('tardy');
      const { tardy: attempt } = await tardy.all();
      expect(attempt.context.signal.aborted).toBe(false);
      const { failures } = await expectProblem(service, await pending, 502, 'run-failed');
      expect(failures).toEqual([{ subTask: 'tardy', code: 'timeout', message: 'took longer than 10 ms' }]);
      expect(attempt.context.signal.reason).toMatchObject({ name: 'TimeoutError' });

      const run = await service.finishedRun(attempt.context.runId);
      attempt[late](new Error('too late'));
      await service.answer('demo');
      expect(await service.showRun(run.id)).toEqual(run);
    },
  );
});

describe('GET /run-tasks', () => {
  test('is refused in the same way', async () => {
    const service = await TestApp.start({ env: { MAX_RESULT_BYTES: '1b' } });
    const response = await service.http.get('/run-tasks');
    const { failures } = await expectProblem(service, response, 502, 'run-failed');
    expect(failures).toHaveLength(3);
    await service.http.get(response.get('Location')!).expect(200);
    await service.close();
  });
});
