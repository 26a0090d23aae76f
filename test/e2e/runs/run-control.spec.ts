import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ReplyPolicy } from '../../../src/core/policies.js';
import { ControlledTask, type Attempt } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { PastRun } from '../../support/past-run.js';
import { temporaryDatabase } from '../../support/postgres-database.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const race = new ControlledTask('race', { fast: {}, slow: {} });
const patient = new ControlledTask('patient', { only: { retry: { attempts: 3 } } });
const cancel = (service: TestApp, runId: string) => service.http.post(`/runs/${runId}/cancel`);
const retry = (service: TestApp, runId: string, subTask: string) =>
  service.http.post(`/runs/${runId}/sub-tasks/${subTask}/retry`);

describe.each(['memory', 'sqlite', 'postgres', 'express', 'fastify'] as const)('with %s,', (kind) => {
  let durable: DurableService;
  let service: TestApp;
  beforeAll(async () => {
    durable = new DurableService();
    const env: Record<string, string> = {};
    if (kind === 'memory') env.DATABASE_URL = 'memory:';
    if (kind === 'postgres') env.DATABASE_URL = await temporaryDatabase();
    const providers = [...race.providers, ...patient.providers];
    service =
      kind === 'express' || kind === 'fastify'
        ? await TestApp.start({ face: kind, providers })
        : await durable.start(providers, env);
  });
  afterAll(async () => {
    if (kind === 'express' || kind === 'fastify') await service.close();
    await durable.end();
  });

  /** A run that was accepted, with its first attempts. */
  const start = async (reply: ReplyPolicy = { policy: 'first-success' }) => {
    const { body } = (await service.http
      .post('/tasks/race/runs')
      .set('Prefer', 'respond-async')
      .send({ reply })
      .expect(202)) as { body: unknown };
    return { runId: (body as { id: string }).id, ...(await race.all()) };
  };
  const failed = async ({ runId, ...attempts }: { runId: string } & Record<'fast' | 'slow', Attempt>) => {
    attempts.fast.fail(new Error('fast failed'));
    attempts.slow.fail(new Error('slow failed'));
    return service.finishedRun(runId);
  };
  /** The run once it has finished so many times. */
  const finishedTimes = async (runId: string, times: number) => {
    await service.until(
      () =>
        service.events.filter((event) => event.runId === runId && event.type === 'run.finished')[times - 1],
    );
    return service.showRun(runId);
  };

  describe('POST /runs/{id}/cancel', () => {
    test('cancels what is unfinished of a run without a reply, which is cancelled then', async () => {
      const { runId, fast, slow } = await start();
      fast.fail(new Error('boom'));
      await service.event(runId, 'sub-task.failed');
      const { body } = (await cancel(service, runId).expect(200)) as { body: unknown };
      expect(slow.context.signal.aborted).toBe(true);
      expect(body).toMatchObject({
        status: 'cancelled',
        finishedAt: expect.any(String),
        subTasks: [{ status: 'failed' }, { status: 'cancelled', reason: 'cancelled on request' }],
      });
    });

    test('leaves the reply of a run that was answered', async () => {
      const { runId, fast } = await start();
      fast.succeed('won');
      await service.event(runId, 'run.replied');
      const { body } = (await cancel(service, runId).expect(200)) as { body: unknown };
      expect(body).toMatchObject({
        status: 'succeeded',
        reply: { result: 'won' },
        subTasks: [{ status: 'succeeded' }, { status: 'cancelled' }],
      });
    });

    test('changes nothing when it is done again, at once or later', async () => {
      const { runId } = await start();
      const [one, two] = await Promise.all([
        cancel(service, runId).expect(200),
        cancel(service, runId).expect(200),
      ]);
      expect(two.body).toEqual(one.body);
      expect((await cancel(service, runId).expect(200)).body).toEqual(one.body);
    });

    test('is done when the run is as If-Match says, and else refused', async () => {
      const { runId, fast } = await start();
      const tag = (await service.http.get(`/runs/${runId}`)).get('ETag')!;
      fast.succeed('won');
      await service.event(runId, 'run.replied');
      const stale = await cancel(service, runId).set('If-Match', `"other", ${tag}`);
      await expectProblem(service, stale, 412, 'precondition-failed');
      const run = await service.showRun(runId);
      expect(run).toMatchObject({ status: 'running' });
      await cancel(service, runId).set('If-Match', `"other",\tW/"${run.lastEventId}"`).expect(200);
      await expectProblem(
        service,
        await cancel(service, runId).set('If-Match', tag),
        412,
        'precondition-failed',
      );
      await cancel(service, runId).set('If-Match', '*').expect(200);
    });

    test('is refused when the run has finished before', async () => {
      const { runId, fast, slow } = await start();
      fast.succeed();
      slow.succeed();
      await service.event(runId, 'run.finished');
      const problem = await expectProblem(service, await cancel(service, runId), 409, 'run-finished');
      expect(problem).toEqual({ runId });
    });

    test('knows no run that is not there', async () => {
      await expectProblem(service, await cancel(service, 'none'), 404, 'run-unknown');
    });

    test('tells the caller that waits for the reply', async () => {
      const waiting = service.run('race');
      const { fast } = await race.all();
      await cancel(service, fast.context.runId).expect(200);
      expect((await waiting).body).toMatchObject({ type: `${service.base}/problems/run-cancelled` });
    });
  });

  describe('DELETE /runs/{id}', () => {
    const erase = (runId: string) => service.http.delete(`/runs/${runId}`);

    test('erases a finished run, and leaves the numbers of its events to readers of all events', async () => {
      const watcher = await StreamReader.open(`${service.url}/events`);
      const keyed = () =>
        service.http
          .post('/tasks/race/runs')
          .set({ Prefer: 'respond-async', 'Idempotency-Key': '"erased"' })
          .send({ input: 'secret', labels: { of: 'secret' } })
          .expect(202);
      const { id } = (await keyed()).body as { id: string };
      const { fast, slow } = await race.all();
      await expectProblem(service, await erase(id), 409, 'run-unfinished');
      fast.succeed('secret');
      slow.fail(new Error('secret'));
      await service.finishedRun(id);
      await watcher.until(() => watcher.events.at(-1)?.type === 'run.finished');
      const seen = watcher.events.map((event) => event.id);
      await erase(id).expect(204);
      await expectProblem(service, await service.http.get(`/runs/${id}`), 404, 'run-unknown');
      await expectProblem(service, await service.http.get(`/runs/${id}/events`), 404, 'run-unknown');
      await expectProblem(service, await erase(id), 404, 'run-unknown');
      await expectProblem(service, await retry(service, id, 'slow'), 404, 'run-unknown');
      const before = { lastEventId: Math.min(...seen) - 1 };
      const late = await StreamReader.open(`${service.url}/events`, before);
      await late.until(() => late.events.length >= seen.length);
      expect(late.events.map((event) => [event.id, event.type, event.runId])).toEqual(
        seen.map((number) => [number, 'run.erased', id]),
      );
      expect(late.text).not.toContain('secret');
      for (const reader of [watcher, late]) reader.close();
      const again = await keyed();
      expect(again.body).not.toMatchObject({ id });
      await race.all();
      await cancel(service, (again.body as { id: string }).id).expect(200);
    });

    test('is refused for a run that there is none of', async () => {
      await expectProblem(service, await erase('none'), 404, 'run-unknown');
    });
  });

  describe('POST /runs/{id}/sub-tasks/{name}/retry', () => {
    test('runs a failed sub-task of a finished run again, and its status follows', async () => {
      const run = await start();
      const { runId } = run;
      run.fast.succeed('won');
      run.slow.fail(new Error('boom'));
      expect(await service.finishedRun(runId)).toMatchObject({ status: 'partly-failed' });
      const { body } = (await retry(service, runId, 'slow').expect(200)) as { body: unknown };
      expect(body).toMatchObject({ status: 'running', finishedAt: null, reply: { result: 'won' } });
      const again = await race.next('slow');
      expect(again.context).toMatchObject({
        runId,
        attempt: 2,
        idempotencyKey: run.slow.context.idempotencyKey,
      });
      again.succeed('late');
      expect(await finishedTimes(runId, 2)).toMatchObject({
        status: 'succeeded',
        finishedAt: expect.any(String),
        reply: { answeredBy: 'fast', result: 'won' },
        subTasks: [{ attempts: 1 }, { status: 'succeeded', attempts: 2, failures: 1, result: 'late' }],
      });
    });

    test('decides a run that had failed anew', async () => {
      const run = await start();
      const { runId } = run;
      expect(await failed(run)).toMatchObject({ status: 'failed', reply: { error: { code: 'run-failed' } } });
      await retry(service, runId, 'fast').expect(200);
      (await race.next('fast')).succeed('at last');
      expect(await finishedTimes(runId, 2)).toMatchObject({
        status: 'partly-failed',
        reply: { answeredBy: 'fast', result: 'at last' },
      });
      await retry(service, runId, 'slow').expect(200);
      (await race.next('slow')).succeed('too');
      expect(await finishedTimes(runId, 3)).toMatchObject({
        status: 'succeeded',
        reply: { answeredBy: 'fast', result: 'at last' },
      });
    });

    test('leaves a run failed when the further attempt fails too', async () => {
      const run = await start();
      await failed(run);
      await retry(service, run.runId, 'fast').expect(200);
      (await race.next('fast')).fail(new Error('again'));
      expect(await finishedTimes(run.runId, 2)).toMatchObject({
        status: 'failed',
        subTasks: [{ status: 'failed', attempts: 2, failures: 2, error: { message: 'again' } }, {}],
      });
    });

    test('counts for the reply of a run that is still going on', async () => {
      const { runId, fast, slow } = await start({ policy: 'quorum', quorum: 2 });
      fast.succeed('one');
      slow.fail(new Error('boom'));
      expect(await service.finishedRun(runId)).toMatchObject({ status: 'failed' });
      const race2 = await start({ policy: 'first-success' });
      race2.fast.fail(new Error('boom'));
      await service.event(race2.runId, 'sub-task.failed');
      await retry(service, race2.runId, 'fast').expect(200);
      const again = await race.next('fast');
      race2.slow.fail(new Error('slow failed'));
      await service.event(race2.runId, 'sub-task.failed', 'slow');
      expect(await service.showRun(race2.runId)).toMatchObject({ status: 'running', reply: null });
      again.succeed('saved');
      expect(await service.finishedRun(race2.runId)).toMatchObject({
        status: 'partly-failed',
        reply: { answeredBy: 'fast', result: 'saved' },
      });
    });

    test('decides anew what the first failure had settled, also while the run goes on', async () => {
      const { runId, fast, slow } = await start({ policy: 'first-settled' });
      fast.fail(new Error('boom'));
      await service.event(runId, 'run.replied');
      await retry(service, runId, 'fast').expect(200);
      (await race.next('fast')).succeed('second thoughts');
      slow.succeed();
      expect(await service.finishedRun(runId)).toMatchObject({
        status: 'succeeded',
        reply: { answeredBy: 'fast', result: 'second thoughts' },
      });
    });

    test('is done when the run is as If-Match says, and else refused', async () => {
      const started = await start();
      const { runId } = started;
      const { lastEventId } = await failed(started);
      const stale = await retry(service, runId, 'slow').set('If-Match', `W/"${lastEventId - 1}"`);
      await expectProblem(service, stale, 412, 'precondition-failed');
      expect((await service.showRun(runId)).lastEventId).toBe(lastEventId);
      await retry(service, runId, 'slow').set('If-Match', `W/"${lastEventId}"`).expect(200);
      (await race.next('slow')).succeed();
      await finishedTimes(runId, 2);
      const missing = await retry(service, runId, 'slow').set('If-Match', `W/"${lastEventId}"`);
      await expectProblem(service, missing, 409, 'sub-task-not-failed');
    });

    test('is one attempt, whatever the sub-task’s own retries', async () => {
      const { body } = (await service.http
        .post('/tasks/patient/runs')
        .set('Prefer', 'respond-async')
        .send({})) as { body: { id: string } };
      (await patient.next('only')).succeed(NaN);
      expect(await service.finishedRun(body.id)).toMatchObject({ status: 'failed' });
      await retry(service, body.id, 'only').expect(200);
      (await patient.next('only')).fail(new Error('again'));
      expect(await finishedTimes(body.id, 2)).toMatchObject({
        status: 'failed',
        subTasks: [{ status: 'failed', attempts: 2, failures: 2 }],
      });
    });

    test('is done once when two ask for it at once', async () => {
      const run = await start();
      await failed(run);
      const answers = await Promise.all([
        retry(service, run.runId, 'fast'),
        retry(service, run.runId, 'fast'),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      (await race.next('fast')).succeed();
      await finishedTimes(run.runId, 2);
    });

    test('is done once for all requests with the same Idempotency-Key', async () => {
      const run = await start();
      await failed(run);
      const keyed = (subTask: string) => retry(service, run.runId, subTask).set('Idempotency-Key', '"once"');
      expect((await keyed('fast').expect(200)).get('Idempotency-Replayed')).toBeUndefined();
      (await race.next('fast')).fail(new Error('again'));
      await finishedTimes(run.runId, 2);
      const again = await keyed('fast').expect(200);
      expect(again.get('Idempotency-Replayed')).toBe('true');
      expect(again.body).toMatchObject({ subTasks: [{ status: 'failed', attempts: 2 }, { attempts: 1 }] });
      await expectProblem(service, await keyed('slow'), 422, 'idempotency-key-reused');
      await retry(service, run.runId, 'fast').set('Idempotency-Key', '"twice"').expect(200);
      (await race.next('fast')).succeed();
      expect((await keyed('fast').expect(200)).get('Idempotency-Replayed')).toBe('true');
      await finishedTimes(run.runId, 3);
    });

    test('can be cancelled', async () => {
      const run = await start();
      await failed(run);
      await retry(service, run.runId, 'fast').expect(200);
      const again = await race.next('fast');
      const { body } = (await cancel(service, run.runId).expect(200)) as { body: unknown };
      expect(again.context.signal.aborted).toBe(true);
      expect(body).toMatchObject({ subTasks: [{ status: 'cancelled', attempts: 2 }, { status: 'failed' }] });
    });

    test('is refused for a sub-task that has not failed, or is not there', async () => {
      const { runId, fast, slow } = await start();
      await expectProblem(service, await retry(service, runId, 'fast'), 409, 'sub-task-not-failed');
      fast.succeed();
      slow.succeed();
      await service.event(runId, 'run.finished');
      await expectProblem(service, await retry(service, runId, 'fast'), 409, 'sub-task-not-failed');
      await expectProblem(service, await retry(service, runId, 'other'), 404, 'sub-task-unknown');
      await expectProblem(service, await retry(service, 'none', 'fast'), 404, 'run-unknown');
    });
  });
});

describe('a run that an earlier process has left', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    race = new ControlledTask('race', { fast: {}, slow: {} });
    durable = new DurableService();
  });
  afterEach(() => durable.end());

  test('can be cancelled before its turn in the recovery', async () => {
    const runs = Array.from({ length: 250 }, () => new PastRun('race', ['fast', 'slow']).started('fast'));
    await durable.leave(...runs);
    const last = runs.at(-1)!;
    // One slot and a queue of two: the recovery gets no further than the first runs, and hasn't read the last ones yet.
    const service = await durable.start(race.providers, {
      MAX_CONCURRENT_SUB_TASKS: '1',
      MAX_QUEUED_RUNS: '2',
    });
    await service.event(runs[0]!.id, 'sub-task.started');
    const { body } = (await cancel(service, last.id).expect(200)) as { body: unknown };
    expect(body).toMatchObject({
      status: 'cancelled',
      subTasks: [
        { status: 'cancelled', attempts: 1 },
        { status: 'skipped', attempts: 0 },
      ],
    });
    const taken = service.events.filter(({ type }) => type === 'sub-task.started').length;
    expect(taken).toBeLessThan(runs.length);
    for (const name of ['fast', 'slow', 'fast', 'slow'] as const) (await race.next(name)).succeed();
    expect(await service.finishedRun(runs[1]!.id)).toMatchObject({ status: 'succeeded' });
  });

  test('goes on with a retry that a crash has cut off', async () => {
    const before = await durable.start(race.providers);
    const answer = before.run('race');
    const { fast, slow } = await race.all();
    fast.fail(new Error('boom'));
    slow.fail(new Error('boom'));
    const { runId } = fast.context;
    expect((await answer).status).toBe(502);
    await before.finishedRun(runId);
    await retry(before, runId, 'slow').expect(200);
    await race.next('slow');
    await before.showRun(runId);
    durable.crash();
    const service = await durable.start(race.providers);
    const again = await race.next('slow');
    expect(again.context.attempt).toBe(3);
    again.succeed('after the crash');
    expect(await service.finishedRun(runId)).toMatchObject({
      status: 'partly-failed',
      reply: { answeredBy: 'slow', result: 'after the crash' },
    });
  });
});
