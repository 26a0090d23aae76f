import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { z } from 'zod';
import type { SubTaskHandler } from '../../../src/core/sub-task.js';
import { Task } from '../../../src/tasks/task.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { expectProblem } from '../../support/problem.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import type { ShownRun, TestApp } from '../../support/test-app.js';
import { samplesOf } from '../../support/samples.js';
import { TestCluster } from '../../support/test-cluster.js';

const declared = { fast: {}, slow: {} } as const;

describe('what a node leaves', () => {
  let cluster: TestCluster;
  let leaving: ControlledTask<'fast' | 'slow'>;
  let staying: ControlledTask<'fast' | 'slow'>;
  let proxy: TcpProxy | undefined;
  beforeEach(() => {
    cluster = new TestCluster();
    leaving = new ControlledTask('race', declared);
    staying = new ControlledTask('race', declared);
  });
  afterEach(async () => {
    await proxy?.heal();
    await cluster.end();
    await proxy?.close();
    proxy = undefined;
  });

  const start = async (node: TestApp, request: object = {}, headers = {}): Promise<string> => {
    const { body } = (await node.http
      .post('/tasks/race/runs')
      .set({ Prefer: 'respond-async', ...headers })
      .send(request)
      .expect(202)) as { body: unknown };
    return (body as ShownRun).id;
  };
  const flaws = () =>
    cluster.query(`
      SELECT run, sub_task, count(*) FROM frontrunner.events
      WHERE type IN ('sub-task.succeeded', 'sub-task.failed', 'sub-task.cancelled', 'sub-task.skipped')
      GROUP BY run, sub_task HAVING count(*) > 1`);

  test('is gone on with at once when it stops, however long the timeout', async () => {
    const survivor = await cluster.start(staying.providers);
    const stopping = await cluster.start(leaving.providers);
    const runId = await start(stopping);
    const { fast } = await leaving.all();
    fast.succeed('of before');
    await stopping.event(runId, 'run.replied');
    await cluster.stop(stopping);
    const slow = await staying.next('slow');
    expect(slow.context.attempt).toBe(2);
    slow.succeed('of the other');
    expect(await survivor.finishedRun(runId)).toMatchObject({
      status: 'succeeded',
      reply: { result: 'of before' },
      subTasks: [{ attempts: 1 }, { attempts: 2, failures: 0, result: 'of the other' }],
    });
    expect(await flaws()).toEqual([]);
    const metrics = samplesOf((await survivor.http.get('/metrics').expect(200)).text);
    expect(metrics.get('frontrunner_node_takeovers_total')).toBe(1);
    expect(metrics.get('frontrunner_node_heartbeat_age_seconds')).toBeGreaterThanOrEqual(0);
  });

  test('is gone on with by the next node that starts, where it was the last', async () => {
    const last = await cluster.start(leaving.providers);
    const runId = await start(last);
    await leaving.all();
    await cluster.stop(last);
    const next = await cluster.start(staying.providers);
    const { fast, slow } = await staying.all();
    fast.succeed('at last');
    slow.succeed();
    expect((await next.finishedRun(runId)).reply).toMatchObject({ result: 'at last' });
  });

  test('ends once where the node that takes it over loses its place meanwhile, and another one takes it over', async () => {
    const asked = Promise.withResolvers<boolean>();
    const gate = Promise.withResolvers<boolean>();
    const input = z.any().refine(() => {
      asked.resolve(true);
      return gate.promise;
    });
    const [, ...subTasks] = staying.providers as Type<SubTaskHandler>[];
    @Task({ name: 'race', subTasks, input })
    class Gated {}
    const dying = await cluster.start(leaving.providers);
    const runIds = [await start(dying), await start(dying), await start(dying)];
    const loser = await cluster.start([Gated, ...subTasks]);
    await cluster.stop(dying);
    await asked.promise;
    const rescuer = await cluster.start(staying.providers);
    await cluster.takeForDead(loser);
    const followed = () =>
      cluster.query(`SELECT FROM frontrunner.open_runs WHERE node = '${cluster.idOf(rescuer)}'`);
    while ((await followed()).length < runIds.length);
    gate.resolve(true);
    for (const _ of runIds) {
      const { fast, slow } = await staying.all();
      fast.succeed();
      slow.succeed();
    }
    for (const runId of runIds)
      expect(await rescuer.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
    // What the other one would record of them is recorded when it stops.
    await cluster.stop(loser);
    expect(await flaws()).toEqual([]);
    const ends = await cluster.query(`
      SELECT run, type, count(*)::int FROM frontrunner.events WHERE type IN ('run.replied', 'run.finished') GROUP BY run, type`);
    expect(ends).toHaveLength(2 * runIds.length);
    expect(ends).toEqual(ends.map((end) => ({ ...end, count: 1 })));
  });

  test('is gone on with although the task takes long to read its inputs, by one node that nobody takes for dead', async () => {
    const gate = Promise.withResolvers<boolean>();
    const input = z.any().refine(() => gate.promise);
    staying = new ControlledTask('race', declared, { input });
    const nodeTimeout = { NODE_TIMEOUT: '2s' };
    const survivor = await cluster.start(staying.providers, nodeTimeout);
    const witness = await cluster.start([], nodeTimeout);
    const dying = await cluster.start(leaving.providers, nodeTimeout);
    const runId = await start(dying);
    const before = cluster.idOf(survivor);
    await cluster.stop(dying);
    const beats = async () =>
      (
        await cluster.query<{ seen: number }>(
          `SELECT extract(epoch FROM seen_at)::float8 AS seen FROM frontrunner.nodes WHERE id = '${before}'`,
        )
      )[0]?.seen;
    // Longer than the timeout, by the clock of the database that the nodes go by.
    const first = await beats();
    for (let seen = first; seen !== undefined && seen < first! + 3;) seen = await beats();
    expect(cluster.idOf(survivor)).toBe(before);
    gate.resolve(true);
    const { fast, slow } = await staying.all();
    fast.succeed();
    slow.succeed();
    expect(await survivor.finishedRun(runId)).toMatchObject({ status: 'succeeded' });
    expect(witness.log.lines.filter(({ msg }) => msg.includes('was not seen for'))).toEqual([]);
  });

  test('is gone on with when others take it for dead, and its callers are told what those bring', async () => {
    // Whichever node is quicker goes on with it: the one that was taken for dead joins the others again.
    const survivor = await cluster.start(leaving.providers);
    const dead = await cluster.start(leaving.providers);
    const answer = dead.answer('race');
    const before = await leaving.all();
    await dead.until(() => dead.events.find(({ type }) => type === 'sub-task.started'));
    await cluster.takeForDead(dead);
    const after = await leaving.all();
    expect(after.fast.context.attempt).toBe(2);
    expect(after.fast.context.idempotencyKey).toBe(before.fast.context.idempotencyKey);
    before.slow.succeed('too late');
    after.fast.succeed('of the second attempt');
    const { runId, result } = await answer;
    expect(result).toBe('of the second attempt');
    expect(before.fast.context.signal.aborted).toBe(true);
    before.fast.succeed('far too late');
    after.slow.succeed('slow of the second attempt');
    const { body } = (await survivor.http.get(`/runs/${runId}`).set('Prefer', 'wait=20')) as {
      body: unknown;
    };
    expect(body).toMatchObject({
      status: 'succeeded',
      subTasks: [{ attempts: 2 }, { attempts: 2, result: 'slow of the second attempt' }],
    });
    expect(await flaws()).toEqual([]);
  });

  test('lets it begin anew, without a restart', async () => {
    const node = await cluster.start(leaving.providers);
    const runId = await start(node);
    const before = await leaving.all();
    await cluster.takeForDead(node);
    before.fast.succeed('lost');
    // Alone as it is, it takes over what it had itself.
    const after = await leaving.all();
    expect(after.fast.context.attempt).toBe(2);
    after.fast.succeed('found');
    after.slow.succeed();
    await node.event(runId, 'run.finished');
    expect((await node.showRun(runId)).reply).toMatchObject({ result: 'found' });
    const answer = node.answer('race');
    const next = await leaving.all();
    next.fast.succeed('new');
    next.slow.succeed();
    expect((await answer).result).toBe('new');
    expect(node.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('is left alone by a node that another one has taken it from', async () => {
    const node = await cluster.start(leaving.providers);
    const runId = await start(node);
    const before = await leaving.all();
    await cluster.query(`UPDATE frontrunner.open_runs SET node = 'another'`);
    const aborted = once(before.slow.context.signal, 'abort');
    before.fast.succeed('refused');
    await aborted;
    // There is no such node, so it takes the run over itself.
    await cluster.query(`SELECT pg_notify('frontrunner', '["left","another"]')`);
    const after = await leaving.all();
    expect(after.fast.context.attempt).toBe(2);
    after.fast.succeed('recorded');
    after.slow.succeed();
    expect((await node.finishedRun(runId)).reply).toMatchObject({ result: 'recorded' });
    expect(await flaws()).toEqual([]);
  });

  test('has no run that was not recorded: its caller is told to send it again', async () => {
    const node = await cluster.start(leaving.providers);
    const id = cluster.idOf(node);
    await cluster.query('DELETE FROM frontrunner.nodes WHERE id = $1', [id]);
    const response = await node.run('race');
    await expectProblem(node, response, 503, 'journal-unavailable');
    while ((await node.http.get('/health/ready')).status === 503) await delay(10);
    const answer = node.answer('race', { reply: { policy: 'first-settled' } });
    await leaving.next('fast');
    const again = await leaving.next('fast');
    again.succeed('again');
    expect((await answer).result).toBe('again');
  });

  test('is cancelled or retried on request, though its place is lost before that is recorded', async () => {
    const node = await cluster.start(leaving.providers);
    const loseAndAsk = async (path: string) => {
      await cluster.query('DELETE FROM frontrunner.nodes');
      await node.http.post(path).expect(200);
    };
    const runId = await start(node);
    const { fast } = await leaving.all();
    fast.fail(new Error('no'));
    await node.event(runId, 'sub-task.failed');
    await loseAndAsk(`/runs/${runId}/sub-tasks/fast/retry`);
    expect((await node.showRun(runId)).subTasks).toMatchObject([{ failures: 1 }, { status: 'running' }]);
    await loseAndAsk(`/runs/${runId}/cancel`);
    expect((await node.showRun(runId)).status).toBe('cancelled');
  });

  test('keeps the terms of its runs: what was held starts when it has to', async () => {
    const declaredLater = { fast: {}, slow: { start: 'after-failure' } } as const;
    const [one, two] = [new ControlledTask('held', declaredLater), new ControlledTask('held', declaredLater)];
    const survivor = await cluster.start(two.providers);
    const stopping = await cluster.start(one.providers);
    const answerLater = stopping.http.post('/tasks/held/runs').set('Prefer', 'respond-async');
    const { body } = (await answerLater.expect(202)) as { body: unknown };
    const runId = (body as ShownRun).id;
    await one.next('fast');
    await cluster.stop(stopping);
    (await two.next('fast')).fail(new Error('no'));
    (await two.next('slow')).succeed('instead');
    expect(await survivor.finishedRun(runId)).toMatchObject({
      reply: { result: 'instead' },
      subTasks: [{ attempts: 2 }, { attempts: 1, trigger: 'failure' }],
    });
  });

  test('goes to a node that knows its task', async () => {
    const ignorant = await cluster.start();
    const knowing = await cluster.start(staying.providers);
    const stopping = await cluster.start(leaving.providers);
    const runIds = [await start(stopping), await start(stopping), await start(stopping)];
    await cluster.stop(stopping);
    for (const _ of runIds) {
      const { fast, slow } = await staying.all();
      fast.succeed();
      slow.succeed();
    }
    for (const runId of runIds) expect((await knowing.finishedRun(runId)).status).toBe('succeeded');
    expect(ignorant.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  }, 60_000);

  test('has a key that it could not use', async () => {
    const node = await cluster.start(staying.providers);
    await cluster.query(
      `INSERT INTO frontrunner.idempotency_keys VALUES ('', 'k', 'f', 'never-started', 'a dead node', $1)`,
      [Date.now()],
    );
    const answer = node.http
      .post('/tasks/race/runs')
      .set('Idempotency-Key', '"k"')
      .then(({ body }) => body as object);
    (await staying.next('fast')).succeed('started');
    expect(await answer).toMatchObject({ result: 'started' });
    (await staying.next('slow')).succeed();
  });

  test('is gone on with when it is cut off for longer than the timeout, and it comes back without it', async () => {
    const env = { NODE_TIMEOUT: '2s' };
    proxy = await TcpProxy.start(await cluster.url());
    const survivor = await cluster.start(staying.providers, env);
    const cutOff = await cluster.start(leaving.providers, {
      ...env,
      DATABASE_URL: proxy.url(await cluster.url()),
    });
    const runId = await start(cutOff);
    const before = await leaving.all();
    proxy.blackhole();
    before.fast.succeed('never recorded');
    const after = await staying.all();
    after.fast.succeed('recorded');
    after.slow.succeed('recorded too');
    await survivor.event(runId, 'run.finished');
    await proxy.heal();
    await cutOff.http.get(`/runs/${runId}`).retry(20);
    const run = await survivor.showRun(runId);
    expect(run).toMatchObject({
      reply: { result: 'recorded' },
      subTasks: [{ attempts: 2 }, { attempts: 2 }],
    });
    for (;;) {
      const response = await cutOff.http.post('/tasks/race/runs').set('Prefer', 'respond-async');
      if (response.status === 202) break;
      expect(response.status).toBe(503);
    }
    const next = await leaving.all();
    next.fast.succeed();
    next.slow.succeed();
    expect(await flaws()).toEqual([]);
  }, 60_000);
});
