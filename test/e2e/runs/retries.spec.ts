import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { TestApp } from '../../support/test-app.js';

class NoSuchShop extends Error {}
class ShopClosed extends NoSuchShop {}

const flaky = new ControlledTask('flaky', { flaky: { timeout: '1h', retry: { attempts: 3, delay: 2 } } });
const picky = new ControlledTask('picky', {
  picky: { retry: { attempts: 3, delay: 2, except: [RangeError, NoSuchShop] } },
});
const patient = new ControlledTask(
  'patient',
  { patient: { retry: { attempts: 2, delay: '24d', maxDelay: '24d' } }, steady: {} },
  { losers: 'cancel' },
);
const stuckOnce = inlineTask('stuck-once', {
  stuck: {
    timeout: 10,
    retry: { attempts: 2, delay: 2 },
    run: (_input, { attempt, signal }) =>
      attempt === 2
        ? 'second'
        : new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('told'))),
          ),
  },
});

describe('a sub-task with retries', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      providers: [...flaky.providers, ...picky.providers, ...patient.providers, ...stuckOnce],
    });
  });
  afterAll(() => service.close());

  const transitions = (runId: string) =>
    service.events
      .filter((event) => event.runId === runId && 'attempt' in event)
      .map((event) => `${event.type} ${'attempt' in event ? event.attempt : ''}`);

  test('is tried again until it succeeds, and each attempt is an event', async () => {
    const answer = service.answer('flaky');
    (await flaky.next('flaky')).fail(new Error('one'));
    (await flaky.next('flaky')).fail(new Error('two'));
    (await flaky.next('flaky')).succeed('three');
    const { runId, result, status } = await answer;
    expect({ result, status }).toEqual({ result: 'three', status: 'succeeded' });
    const run = await service.finishedRun(runId);
    expect(run.subTasks[0]).toMatchObject({ status: 'succeeded', attempts: 3, result: 'three' });
    expect(run.subTasks[0]).not.toHaveProperty('error');
    expect(transitions(runId)).toEqual([
      'sub-task.started 1',
      'sub-task.retrying 1',
      'sub-task.started 2',
      'sub-task.retrying 2',
      'sub-task.started 3',
      'sub-task.succeeded 3',
    ]);
    expect(
      service.log
        .messagesOf(runId)
        .filter((msg) => msg.startsWith('flaky ') && !/ (threw|accepted)$| replied /.test(msg)),
    ).toEqual([
      expect.stringMatching(/^flaky retries in \d+ ms: one$/),
      expect.stringMatching(/^flaky retries in \d+ ms: two$/),
      'flaky done',
    ]);
  });

  test('has failed with its last error when its attempts are used up', async () => {
    const response = service.run('flaky');
    for (const message of ['one', 'two', 'three']) (await flaky.next('flaky')).fail(new Error(message));
    const { runId, failures } = (await response).body as { runId: string; failures: unknown };
    expect(failures).toEqual([{ subTask: 'flaky', code: 'threw', message: 'three' }]);
    expect((await service.finishedRun(runId)).subTasks[0]).toMatchObject({ status: 'failed', attempts: 3 });
  });

  test('is told which attempt it is, and the same key each time', async () => {
    const answer = service.answer('flaky', { input: [1] });
    const attempts = [await flaky.next('flaky')];
    attempts[0]!.fail(new Error('once more'));
    attempts.push(await flaky.next('flaky'));
    const [first, second] = attempts.map(({ context }) => context);
    attempts[1]!.succeed();
    const { runId } = await answer;
    expect([first!.attempt, second!.attempt]).toEqual([1, 2]);
    expect([first!.runId, second!.runId]).toEqual([runId, runId]);
    expect(first!.idempotencyKey).toBe(second!.idempotencyKey);
    expect(first!.idempotencyKey).toContain(runId);
    expect(attempts.map(({ input }) => input)).toEqual([[1], [1]]);
    expect(second!.signal).not.toBe(first!.signal);
    expect(second!.deadline.getTime()).toBeGreaterThanOrEqual(first!.deadline.getTime());
    const { createdAt } = await service.finishedRun(runId);
    expect(first!.deadline.getTime()).toBeGreaterThanOrEqual(Date.parse(createdAt) + 3_600_000);
  });

  test('has another key than other sub-tasks and other runs', async () => {
    const keys: string[] = [];
    for (let runs = 0; runs < 2; runs += 1) {
      const answer = service.answer('patient');
      const { patient: one, steady } = await patient.all();
      keys.push(one.context.idempotencyKey, steady.context.idempotencyKey);
      steady.succeed();
      await service.finishedRun((await answer).runId);
    }
    expect(new Set(keys).size).toBe(4);
  });

  test('writes log lines that say where they come from', async () => {
    const answer = service.answer('flaky');
    const attempt = await flaky.next('flaky');
    const { logger, runId } = attempt.context;
    logger.log('asked the shop');
    logger.warn('asked twice');
    logger.error('asked in vain');
    attempt.succeed();
    await answer;
    await service.event(runId, 'run.finished');
    const from = { runId, requestId: expect.any(String), task: 'flaky', subTask: 'flaky', attempt: 1 };
    expect(service.log.lines.filter(({ msg }) => msg.startsWith('asked'))).toEqual([
      { level: 'log', msg: 'asked the shop', ...from },
      { level: 'warn', msg: 'asked twice', ...from },
      { level: 'error', msg: 'asked in vain', ...from },
    ]);
  });

  test.each([new RangeError('out'), new NoSuchShop('gone'), new ShopClosed('closed')])(
    'is not tried again after an error that another attempt would not mend: %s',
    async (error) => {
      const response = service.run('picky');
      (await picky.next('picky')).fail(error);
      expect((await response).status).toBe(502);
      const { runId } = (await response).body as { runId: string };
      await service.event(runId, 'run.finished');
      expect(transitions(runId)).toEqual(['sub-task.started 1', 'sub-task.failed 1']);
    },
  );

  test('is not tried again after a result that JSON can’t hold, but after any other error', async () => {
    const response = service.run('picky');
    (await picky.next('picky')).fail(new Error('try again'));
    (await picky.next('picky')).succeed(NaN);
    const { runId, failures } = (await response).body as { runId: string; failures: unknown[] };
    expect(failures).toMatchObject([{ code: 'result-not-json' }]);
    expect((await service.finishedRun(runId)).subTasks[0]).toMatchObject({ status: 'failed', attempts: 2 });
  });

  test('is tried again after a timeout, of which the attempt’s signal tells', async () => {
    const { runId, result } = await service.answer('stuck-once');
    expect(result).toBe('second');
    const { data } = await service.event(runId, 'sub-task.retrying');
    expect(data.error).toEqual({ code: 'timeout', message: 'took longer than 10 ms' });
    await service.event(runId, 'run.finished');
  });

  test('shows why it waits, and is cancelled while it waits', async () => {
    const answer = service.answer('patient');
    const attempts = await patient.all();
    const { runId } = attempts.steady.context;
    attempts.patient.fail(new Error('not now'));
    const { data, time } = await service.event(runId, 'sub-task.retrying');
    expect(Date.parse(data.dueAt)).toBeGreaterThanOrEqual(Date.parse(time));
    const error = { code: 'threw', message: 'not now' };
    expect((await service.showRun(runId)).subTasks[0]).toMatchObject({
      status: 'retrying',
      attempts: 1,
      error,
    });

    attempts.steady.succeed();
    await answer;
    expect((await service.finishedRun(runId)).subTasks[0]).toMatchObject({
      status: 'cancelled',
      attempts: 1,
    });
  });
});
