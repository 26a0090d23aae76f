import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Journal } from '../../../src/run/journal.js';
import { RunWatch } from '../../../src/tasks/run-watch.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { TestCluster } from '../../support/test-cluster.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });

describe('a node that doesn’t follow a run', () => {
  const cluster = new TestCluster();
  let follower: TestApp;
  let other: TestApp;
  beforeAll(async () => {
    follower = await cluster.start(race.providers);
    other = await cluster.start(race.providers);
  });
  afterAll(() => cluster.end());

  const readers: StreamReader[] = [];
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.close();
  });
  const read = async (path: string, lastEventId?: number): Promise<StreamReader> => {
    const reader = await StreamReader.open(other.url + path, { lastEventId });
    readers.push(reader);
    return reader;
  };

  const start = async (headers: Readonly<Record<string, string>> = {}) => {
    const { body } = (await follower.http
      .post('/tasks/race/runs')
      .set({ Prefer: 'respond-async', ...headers })
      .expect(202)) as { body: ShownRun };
    return { runId: body.id, ...(await race.all()) };
  };

  test('shows it as far as it has come', async () => {
    const { runId, fast, slow } = await start();
    expect((await other.showRun(runId)).subTasks.map(({ status }) => status)).toEqual(['running', 'running']);
    fast.succeed(1);
    await follower.event(runId, 'run.replied');
    expect(await other.showRun(runId)).toMatchObject({ status: 'running', reply: { result: 1 } });
    const newest = async () => (await other.http.get('/runs?limit=1').expect(200)).body as object;
    const answered = { id: runId, answeredBy: 'fast', repliedAt: expect.any(String) };
    expect(await newest()).toMatchObject({
      runs: [{ ...answered, status: 'running', unfinished: ['slow'] }],
    });
    slow.succeed();
    await follower.event(runId, 'run.finished');
    expect((await other.showRun(runId)).status).toBe('succeeded');
    expect(await newest()).toMatchObject({ runs: [{ ...answered, status: 'succeeded', unfinished: [] }] });
  });

  test('waits for its end', async () => {
    const { runId, fast, slow } = await start();
    const waiting = other.http.get(`/runs/${runId}`).set('Prefer', 'wait=20').expect(200);
    const ended = waiting.then(({ body }) => body as ShownRun);
    fast.succeed();
    slow.succeed();
    expect((await ended).status).toBe('succeeded');
  });

  test('gives its reply to whoever asks again with its key', async () => {
    const { runId, fast, slow } = await start({ 'Idempotency-Key': '"one"' });
    const again = other.http.post('/tasks/race/runs').set('Idempotency-Key', '"one"').expect(200);
    const answered = again.then((answer) => answer);
    fast.succeed('first');
    const { body, headers } = (await answered) as { body: unknown; headers: Record<string, string> };
    expect(body).toMatchObject({ runId, result: 'first', answeredBy: 'fast' });
    expect(headers['idempotency-replayed']).toBe('true');
    slow.succeed();
    await follower.event(runId, 'run.finished');
  });

  test('answers 202 with it where the wait for its reply ends before', async () => {
    const { runId, fast, slow } = await start({ 'Idempotency-Key': '"two"' });
    const { body } = (await other.http
      .post('/tasks/race/runs')
      .set({ 'Idempotency-Key': '"two"', Prefer: 'wait=0' })
      .expect(202)) as { body: ShownRun };
    expect(body).toMatchObject({ id: runId, status: 'running' });
    fast.succeed();
    slow.succeed();
    await follower.event(runId, 'run.finished');
  });

  test('refuses another request with its key', async () => {
    const { fast, slow, runId } = await start({ 'Idempotency-Key': '"three"' });
    const response = await other.http
      .post('/tasks/race/runs')
      .set('Idempotency-Key', '"three"')
      .send({ input: 'else' });
    await expectProblem(other, response, 422, 'idempotency-key-reused');
    fast.succeed();
    slow.succeed();
    await follower.event(runId, 'run.finished');
  });

  test('cancels it', async () => {
    const { runId, fast } = await start();
    const { body } = (await other.http.post(`/runs/${runId}/cancel`).expect(200)) as { body: unknown };
    expect(body).toMatchObject({ status: 'cancelled', subTasks: [{ status: 'cancelled' }, {}] });
    expect(fast.context.signal.aborted).toBe(true);
    const { body: again } = (await other.http.post(`/runs/${runId}/cancel`).expect(200)) as { body: unknown };
    expect(again).toEqual(body);
    while ((await cluster.query('SELECT * FROM frontrunner.commands')).length > 0);
  });

  test('retries a sub-task of it, while it goes on and when it has finished', async () => {
    const { runId, fast, slow } = await start();
    fast.fail(new Error('no'));
    await follower.event(runId, 'sub-task.failed');
    const { body } = (await other.http.post(`/runs/${runId}/sub-tasks/fast/retry`).expect(200)) as {
      body: unknown;
    };
    expect(body).toMatchObject({ subTasks: [{ attempts: 2, status: 'running' }, {}] });
    const second = await race.next('fast');
    second.fail(new Error('no again'));
    slow.succeed('slow');
    await follower.event(runId, 'run.finished');
    await other.http.post(`/runs/${runId}/sub-tasks/fast/retry`).expect(200);
    const third = await race.next('fast');
    third.succeed();
    await other.event(runId, 'run.finished');
    expect(await follower.showRun(runId)).toMatchObject({
      status: 'succeeded',
      subTasks: [{ attempts: 3, failures: 2 }, {}],
    });
    const response = await follower.http.post(`/runs/${runId}/sub-tasks/fast/retry`);
    await expectProblem(other, response, 409, 'sub-task-not-failed');
  });

  test('makes one attempt when it and the other are asked to retry a finished run at once', async () => {
    const { runId, fast, slow } = await start();
    fast.fail(new Error('no'));
    slow.succeed();
    await follower.event(runId, 'run.finished');
    const retry = (node: TestApp) => node.http.post(`/runs/${runId}/sub-tasks/fast/retry`);
    const answers = await Promise.all([retry(follower), retry(other)]);
    // Whoever comes second finds the sub-task retried, or about to be.
    expect(answers.map(({ status }) => status)).toContain(200);
    (await race.next('fast')).succeed();
    const { body } = (await other.http.get(`/runs/${runId}`).set('Prefer', 'wait=20')) as { body: ShownRun };
    expect(body.subTasks[0]).toMatchObject({ status: 'succeeded', attempts: 2 });
  });

  test('repeats no retry with a key that the other has done since it read the run, which has ended again', async () => {
    const { runId, fast, slow } = await start();
    fast.fail(new Error('no'));
    slow.succeed();
    await follower.event(runId, 'run.finished');
    const retry = (node: TestApp) =>
      node.http
        .post(`/runs/${runId}/sub-tasks/fast/retry`)
        .set('Idempotency-Key', '"once"')
        .expect(200)
        .then((response) => response);
    const watch = other.app.get(RunWatch);
    const get = jest.spyOn(watch, 'get').mockImplementationOnce(async (id) => {
      get.mockRestore();
      const run = await watch.get(id);
      await retry(follower);
      (await race.next('fast')).fail(new Error('no again'));
      while ((await watch.get(id)).finishedAt === null);
      return run;
    });
    expect((await retry(other)).headers['idempotency-replayed']).toBe('true');
    expect(await other.showRun(runId)).toMatchObject({
      status: 'partly-failed',
      subTasks: [{ attempts: 2 }, {}],
    });
  });

  test('streams its events, from the first on', async () => {
    const { runId, fast, slow } = await start();
    const reader = await read(`/runs/${runId}/events`);
    fast.succeed();
    slow.succeed();
    expect(await reader.ended).toEqual({ complete: true });
    const { body } = (await other.http.get(`/runs/${runId}/events`).expect(200)) as {
      body: { events: unknown };
    };
    expect(reader.events).toEqual(body.events);
    expect(reader.events.at(-1)?.type).toBe('run.finished');
  });

  test('streams what all nodes commit, in one order and without a gap', async () => {
    const before = (
      await cluster.query<{ last_id: number }>('SELECT last_id::int FROM frontrunner.log_head')
    )[0]!.last_id;
    const streams = await Promise.all([
      read('/events', before),
      StreamReader.open(`${follower.url}/events`, { lastEventId: before }),
    ]);
    readers.push(streams[1]);
    const runs = Array.from({ length: 20 }, (_, n) =>
      (n % 2 ? other : follower).answer('race', { reply: { policy: 'all' } }),
    );
    for (let n = 0; n < 20; n += 1) {
      const { fast, slow } = await race.all();
      fast.succeed();
      slow.succeed();
    }
    await Promise.all(runs);
    const expected = 20 * 7;
    for (const stream of streams) {
      await stream.until(() => stream.events.length === expected);
      expect(stream.events.map(({ id }) => id)).toEqual(
        Array.from({ length: expected }, (_, n) => before + 1 + n),
      );
    }
    expect(streams[0].events).toEqual(streams[1].events);
  });

  test('makes one run of requests with one key that come at once to both', async () => {
    const ask = (node: TestApp) =>
      node.http
        .post('/tasks/race/runs')
        .set('Idempotency-Key', '"at once"')
        .then(({ body }) => body as { runId: string });
    const answers = Promise.all(Array.from({ length: 10 }, (_, n) => ask(n % 2 ? other : follower)));
    const { fast, slow } = await race.all();
    fast.succeed();
    slow.succeed();
    expect(new Set((await answers).map(({ runId }) => runId)).size).toBe(1);
  });

  test('makes one run for each key of batches that come at once to both, in opposite orders', async () => {
    const items = Array.from({ length: 50 }, (_, n) => ({ input: n, idempotencyKey: `both-${n}` }));
    const send = async (node: TestApp, runs: object[]) => {
      const response = await node.http.post('/tasks/demo/runs:batch').send({ runs }).expect(200);
      return (response.body as { runs: { id: string; replayed: boolean }[] }).runs;
    };
    const [here, there] = await Promise.all([send(follower, items), send(other, items.toReversed())]);
    expect(there.toReversed().map(({ id }) => id)).toEqual(here.map(({ id }) => id));
    expect([...here, ...there].filter(({ replayed }) => !replayed)).toHaveLength(50);
  });

  test('signs stream tokens with the same secret as the other, so that each takes those of both', async () => {
    const secrets = [follower, other].map((node) => node.app.get(Journal).tokens.secret());
    const [one, two] = await Promise.all(secrets);
    expect(one).toMatch(/^[\da-f]{64}$/);
    expect(two).toBe(one);
  });

  test('knows at once of the tokens that the other has withdrawn', async () => {
    const [here, there] = [follower, other].map((node) => node.app.get(Journal).tokens);
    await there!.withdraw('session', Date.now() + 60_000);
    expect(await here!.isWithdrawn('session', 0)).toBe(true);
    expect(await here!.isWithdrawn('another', 0)).toBe(false);
  });

  test('knows no run that there is none of, whatever its id', async () => {
    for (const id of ['none', '%00', '%F0%9F%92%A9'])
      await expectProblem(other, await other.http.get(`/runs/${id}`), 404, 'run-unknown');
    await expectProblem(other, await other.http.post('/runs/none/cancel'), 404, 'run-unknown');
    await expectProblem(other, await other.http.get('/runs/%00/events'), 404, 'run-unknown');
    await other.http.get('/runs?task=%00').expect(200, { runs: [], next: null });
    await other.http.get('/events?after=0&task=%00').expect(200);
  });
});
