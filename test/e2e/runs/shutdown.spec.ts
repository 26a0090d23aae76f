import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { TestApp } from '../../support/test-app.js';

describe('a stop', () => {
  let race: ControlledTask<'fast' | 'slow'>;
  let patient: ControlledTask<'patient'>;
  beforeEach(() => {
    race = new ControlledTask('race', { fast: {}, slow: {} });
    patient = new ControlledTask('patient', {
      patient: { retry: { attempts: 2, delay: '24d', maxDelay: '24d' } },
    });
  });

  const start = (env: Record<string, string>) =>
    TestApp.start({ env, providers: [...race.providers, ...patient.providers] });

  /** Sends a request on a connection of its own. */
  function send(service: TestApp, line: string): Socket {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.write(`${line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`);
    return socket;
  }

  /** Asks whether the service takes runs until it says no. */
  async function untilNotReady(service: TestApp) {
    let response = await service.http.get('/health/ready');
    while (response.status === 200) response = await service.http.get('/health/ready');
    return response;
  }

  test('refuses new runs at once, and lets what is running finish', async () => {
    const service = await start({ SHUTDOWN_GRACE: '1h' });
    await service.http.get('/health/ready').expect(200);
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    const { runId } = fast.context;
    const closed = service.close();

    const notReady = await untilNotReady(service);
    expect(notReady.get('Retry-After')).toBe('1');
    const { error } = await expectProblem(service, notReady, 503, 'not-ready');
    expect(error).toEqual({ runs: { status: 'down', message: 'the service is stopping' } });
    await service.http.get('/health/live').expect(200);
    for (const refused of [await service.run('race'), await service.http.get('/run-tasks')]) {
      expect(refused.get('Retry-After')).toBe('1');
      await expectProblem(service, refused, 503, 'stopping');
    }

    expect([fast.context.signal.aborted, slow.context.signal.aborted]).toEqual([false, false]);
    fast.succeed('won');
    expect(await answer).toMatchObject({ result: 'won', background: ['slow'] });
    expect((await service.showRun(runId)).status).toBe('running');
    slow.succeed('in time');
    await closed;
    const { data } = await service.event(runId, 'run.finished');
    expect(data.status).toBe('succeeded');
    const messages = service.log.lines.map(({ msg }) => msg);
    expect(messages).toContain('Stopping: 1 unfinished runs have 3600000 ms to finish');
    expect(messages.filter((msg) => msg.startsWith('Stopped before'))).toEqual([]);
  });

  test('ends connections with their answers, and those that have no request', async () => {
    const service = await start({ SHUTDOWN_GRACE: '1h' });
    service.server.keepAliveTimeout = 0;
    const idle = send(service, 'GET /health/live');
    await once(idle, 'data');
    const answer = text(send(service, 'POST /tasks/race/runs'));
    const { fast, slow } = await race.all();
    const closed = service.close();

    await once(idle.resume(), 'close');
    await untilNotReady(service);
    const refusal = await text(send(service, 'POST /tasks/race/runs'));
    expect(refusal).toMatch(/^HTTP\/1.1 503 [^]*\r\nConnection: close\r\n[^]*"\/problems\/stopping"/);
    expect(await text(send(service, `GET /runs/${fast.context.runId}`))).toMatch(
      /^HTTP\/1.1 200 [^]*"running"/,
    );
    fast.succeed('won');
    expect(await answer).toMatch(/^HTTP\/1.1 200 [^]*\r\nConnection: close\r\n[^]*"won"/);
    slow.succeed();
    await closed;
  });

  test('refuses also who asks again as soon as the last run is over', async () => {
    const service = await start({ SHUTDOWN_GRACE: '1h' });
    service.server.keepAliveTimeout = 0;
    const idle = send(service, 'GET /health/live');
    const post = () => send(service, 'POST /tasks/race/runs');
    const answer = text(post());
    const { fast, slow } = await race.all();
    const closed = service.close();
    await once(idle.resume(), 'close');
    slow.succeed();
    fast.succeed();
    await answer;
    expect(await text(post())).toMatch(/^HTTP\/1.1 503 [^]*"\/problems\/stopping"/);
    await closed;
  });

  test('cuts off no caller that goes on asking', async () => {
    const service = await start({ SHUTDOWN_GRACE: '1h' });
    const agent = new Agent({ keepAlive: true });
    let answers = 0;
    const call = async (): Promise<IncomingMessage> => {
      const post = request(`${service.url}/tasks/demo/runs`, { method: 'POST', agent }).end();
      const [response] = (await once(post, 'response')) as [IncomingMessage];
      await text(response);
      answers += 1;
      return response;
    };
    const callers = Array.from({ length: 30 }, async () => {
      let response = await call();
      while (response.statusCode === 200) response = await call();
      return [response.statusCode, response.headers.connection];
    });
    while (answers < 200) await new Promise((resolve) => setImmediate(resolve));
    await service.close();
    for (const caller of callers) expect(await caller).toEqual([503, 'close']);
    agent.destroy();
  });

  test('aborts what is still running when the grace period is over, and says what that was', async () => {
    const service = await start({ SHUTDOWN_GRACE: '20ms' });
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed('won');
    const { runId } = await answer;
    await service.close();

    expect([fast.context.signal.aborted, slow.context.signal.aborted]).toEqual([false, true]);
    const { data } = await service.event(runId, 'sub-task.cancelled', 'slow');
    expect(data.reason).toBe('the service stopped');
    expect((await service.event(runId, 'run.finished')).data.status).toBe('succeeded');
    expect(service.log.lines).toContainEqual({
      level: 'warn',
      msg: 'Stopped before it finished: slow',
      task: 'race',
      runId,
      requestId: expect.any(String),
    });
    expect(service.log.messagesOf(runId)).toContain('slow cancelled: the service stopped');
  });

  test('answers callers whose runs it cancels', async () => {
    const service = await start({ SHUTDOWN_GRACE: '20ms', MAX_CONCURRENT_SUB_TASKS: '1' });
    const response = service.run('race');
    const { context } = await race.next('fast');
    await service.close();
    const answer = await response;
    expect(answer.status).toBe(503);
    expect(answer.get('Retry-After')).toBe('1');
    expect(answer.get('Location')).toBe(`/runs/${context.runId}`);
    expect(answer.body).toEqual({
      type: '/problems/run-cancelled',
      title: 'Run cancelled',
      status: 503,
      detail: expect.any(String),
      instance: '/tasks/race/runs',
      runId: context.runId,
      failures: expect.arrayContaining([
        { subTask: 'fast', code: 'cancelled', message: 'the service stopped' },
        { subTask: 'slow', code: 'skipped', message: 'the service stopped' },
      ]),
    });
    expect((await service.event(context.runId, 'run.finished')).data.status).toBe('cancelled');
    expect(race.peak('slow')).toBe(0);
  });

  test('doesn’t wait for a retry that is due later than the grace period', async () => {
    const service = await start({ SHUTDOWN_GRACE: '20ms' });
    const response = service.run('patient');
    const attempt = await patient.next('patient');
    attempt.fail(new Error('not now'));
    await service.event(attempt.context.runId, 'sub-task.retrying');
    await service.close();
    expect((await response).status).toBe(503);
    await service.event(attempt.context.runId, 'sub-task.cancelled');
  });

  test('is over at once when nothing is running', async () => {
    const service = await start({ SHUTDOWN_GRACE: '1h' });
    const answer = service.answer('race');
    const { fast, slow } = await race.all();
    fast.succeed();
    slow.succeed();
    await service.event((await answer).runId, 'run.finished');
    await service.close();
    expect(service.log.lines.filter(({ msg }) => msg.startsWith('Stopp'))).toEqual([
      { level: 'log', msg: 'Stopped' },
    ]);
  });
});
