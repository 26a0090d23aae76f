import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Seal } from '../../../src/core/seal.js';
import { rowOf, textsOf } from '../../../src/journal/event-text.js';
import { Journal } from '../../../src/run/journal.js';
import { Runs } from '../../../src/run/runs.js';
import type { Answer } from '../../../src/tasks/started-run.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { expectProblem } from '../../support/problem.js';
import { PastRun } from '../../support/past-run.js';

const HOUR_MS = 3_600_000;

describe('a run that a crash or a stop has left unfinished', () => {
  let durable: DurableService;
  let race: ControlledTask<'fast' | 'slow'>;
  beforeEach(() => {
    durable = new DurableService();
    race = new ControlledTask('race', { fast: {}, slow: {} });
  });
  afterEach(() => durable.end());

  test('begins nothing when a stop comes while its input is parsed', async () => {
    const parsing = Promise.withResolvers<undefined>();
    const gate = Promise.withResolvers<undefined>();
    const input = z.any().refine(async () => {
      parsing.resolve(undefined);
      await gate.promise;
      return true;
    });
    const task = new ControlledTask('slow', { a: {} }, { input });
    await durable.leave(new PastRun('slow', ['a']).started('a'));
    const service = await durable.start(task.providers);
    await parsing.promise;
    const runs = service.app.get(Runs);
    const stopped = durable.stop();
    while (!runs.stopping) await nextTurn();
    gate.resolve(undefined);
    await stopped;
    expect(task.peak()).toBe(0);
  });

  test('keeps its labels', async () => {
    const labels = { tenant: 'acme' };
    const run = new PastRun('race', ['fast', 'slow'], { labels }).started('fast');
    await durable.leave(run);
    const service = await durable.start(race.providers);
    const { fast, slow } = await race.all();
    fast.succeed();
    slow.succeed();
    expect(await service.finishedRun(run.id)).toMatchObject({ labels });
    const listed = await service.http.get('/runs?label=tenant:acme&status=succeeded').expect(200);
    expect(listed.body).toMatchObject({ runs: [{ id: run.id, labels }] });
    for (const event of service.events) expect(event).toMatchObject({ labels });
  });

  test('keeps its webhooks', async () => {
    const env = { SECRETS_KEY: Buffer.alloc(32, 1).toString('base64') };
    const url = 'https://hooks.invalid/';
    const secret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
    let service = await durable.start(race.providers);
    const keyless = await service.run('race', { webhooks: [{ url, secret }] });
    expect(keyless.body).toMatchObject({ errors: [{ pointer: '/webhooks/0/secret' }] });
    service = await durable.start(race.providers, env);
    const refused = service.run('race', { webhooks: [{ url, secret }] });
    const { runId: id } = (await race.all()).fast.context;
    const terms = service.app.get(Runs).get(id)!.terms.webhooks!;
    await durable.stop();
    await refused;
    service = await durable.start(race.providers, env);
    const { fast, slow } = await race.all();
    expect(service.app.get(Runs).get(id)!.terms.webhooks).toEqual(terms);
    expect(service.app.get(Seal).open(terms[0]!.secrets[0]!.sealed)).toBe(secret);
    fast.succeed();
    slow.fail(new Error('no'));
    expect(await service.finishedRun(id)).toMatchObject({ webhooks: [{ url }] });
    await service.http.post(`/runs/${id}/sub-tasks/slow/retry`);
    (await race.next('slow')).succeed();
    await service.until(() => service.events.filter(({ type }) => type === 'run.finished')[1]);
    expect(await service.app.get(Journal).run(id)).toMatchObject({ status: 'succeeded', webhooks: terms });
  });

  test('gets the reply that the order of its outcomes makes', async () => {
    const replies = [
      [{ policy: 'quorum', quorum: 2 }, ['c', 'a'], { c: 'c of before', a: 'a of before' }],
      [{ policy: 'all' }, ['c', 'a', 'b'], { a: 'a of before', b: 'b of before', c: 'c of before' }],
      [{ policy: 'first-success' }, 'c', 'c of before'],
      [{ policy: 'primary', primary: 'a' }, 'a', 'a of before'],
    ] as const;
    const runs = replies.map(([reply]) =>
      new PastRun('trio', ['a', 'b', 'c'], { reply }).started('a', 'b', 'c'),
    );
    for (const run of runs) run.succeeded('c').succeeded('a').succeeded('b');
    await durable.leave(...runs);
    const service = await durable.start();
    for (const [at, [, answeredBy, result]] of replies.entries()) {
      const run = await service.finishedRun(runs[at]!.id);
      expect(run).toMatchObject({ status: 'succeeded', reply: { answeredBy, result } });
    }
  });

  test('has its losers cancelled when its reply was decided before, and none begun again', async () => {
    const trio = new ControlledTask('trio', { won: {}, begun: {}, waiting: {} });
    const names = ['won', 'begun', 'waiting'];
    const decided = new PastRun('trio', names, { losers: 'cancel' }).started('won', 'begun').succeeded('won');
    const overdue = new PastRun('trio', names, {
      losers: { policy: 'cancel-after', after: '1h' },
      agoMs: 2 * HOUR_MS,
    });
    overdue.started('won', 'begun').succeeded('won').replied('won');
    await durable.leave(decided, overdue);
    const service = await durable.start(trio.providers);
    for (const { id } of [decided, overdue]) {
      expect(await service.finishedRun(id)).toMatchObject({
        status: 'succeeded',
        reply: { answeredBy: 'won' },
        subTasks: [{ status: 'succeeded' }, { status: 'cancelled', attempts: 1 }, { status: 'skipped' }],
      });
    }
    expect(trio.peak()).toBe(0);
  });

  test('gets at its deadline what had succeeded, for good, while the rest goes on', async () => {
    const reply = { policy: 'all', deadline: '1m' } as const;
    const overdue = new PastRun('race', ['fast', 'slow'], { reply, agoMs: HOUR_MS });
    const ended = new PastRun('race', ['fast', 'slow'], { deadline: '1m', agoMs: HOUR_MS });
    await durable.leave(overdue.started('fast', 'slow').succeeded('fast'), ended.started('fast', 'slow'));
    const service = await durable.start(race.providers);
    expect(await service.finishedRun(ended.id)).toMatchObject({
      status: 'failed',
      reply: { error: { code: 'deadline-exceeded', missing: ['fast', 'slow'] } },
      subTasks: [{ status: 'cancelled' }, { status: 'cancelled' }],
    });
    const told = { answeredBy: ['fast'], result: { fast: 'fast of before' }, missing: ['slow'] };
    await service.event(overdue.id, 'run.replied');
    expect(await service.showRun(overdue.id)).toMatchObject({ status: 'running', reply: told });
    (await race.next('slow')).succeed('late');
    expect(await service.finishedRun(overdue.id)).toMatchObject({ status: 'succeeded', reply: told });
    expect(race.peak('fast')).toBe(0);
  });

  test('leaves its losers what is left of the time of cancel-after', async () => {
    const losers = { policy: 'cancel-after', after: '1h' } as const;
    const nearlyOver = new PastRun('race', ['fast', 'slow'], { losers, agoMs: HOUR_MS - 500 });
    const justBegun = new PastRun('race', ['fast', 'slow'], { losers });
    for (const run of [nearlyOver, justBegun]) run.started('fast', 'slow').succeeded('fast').replied('fast');
    await durable.leave(nearlyOver, justBegun);
    const service = await durable.start(race.providers);
    let attempt = await race.next('slow');
    while (attempt.context.runId !== justBegun.id) attempt = await race.next('slow');
    await service.event(nearlyOver.id, 'sub-task.cancelled', 'slow');
    expect(attempt.context.signal.aborted).toBe(false);
    // The stop leaves it to the next start, and no timer behind.
  });

  test('fails with task-unknown where the task is gone, once, and is kept', async () => {
    const lost = [new PastRun('gone', ['a', 'b']).started('a'), new PastRun('gone', ['a'])];
    const answered = new PastRun('gone', ['a', 'b']).started('a', 'b').succeeded('a').replied('a');
    await durable.leave(...lost, answered);
    const service = await durable.start();
    const unknown = { status: 'failed', error: { code: 'task-unknown' } };
    for (const { id } of lost) {
      const run = await service.finishedRun(id);
      expect(run.status).toBe('failed');
      expect(run.subTasks).toMatchObject(run.subTasks.map(() => unknown));
    }
    expect(await service.finishedRun(answered.id)).toMatchObject({
      status: 'partly-failed',
      reply: { answeredBy: 'a' },
      subTasks: [{ status: 'succeeded' }, unknown],
    });
    const errors = service.log.lines.filter(({ level }) => level === 'error');
    expect(errors).toEqual([{ level: 'error', msg: expect.stringMatching(/task gone.*task-unknown/) }]);

    const next = await durable.start();
    expect((await next.showRun(lost[0]!.id)).status).toBe('failed');
    expect(next.log.lines.filter(({ level }) => level !== 'log')).toEqual([]);
  });

  test('goes on without a sub-task that the task has no more', async () => {
    const run = new PastRun('race', ['fast', 'removed'], {
      reply: { policy: 'primary', primary: 'removed' },
    });
    await durable.leave(run.started('fast', 'removed'));
    const service = await durable.start(race.providers);
    (await race.next('fast')).succeed('still here');
    expect(await service.finishedRun(run.id)).toMatchObject({
      status: 'failed',
      reply: { error: { failures: [{ subTask: 'removed', code: 'task-unknown' }] } },
      subTasks: [{ status: 'succeeded', attempts: 2 }, { error: { code: 'task-unknown' } }],
    });
  });

  test('keeps no other from being gone on with when it can’t be read', async () => {
    const runs = [1, 2, 3].map(() => new PastRun('race', ['fast', 'slow']).started('fast', 'slow'));
    await durable.leave(...runs);
    durable.database.rewrite((events) => {
      const [, ...texts] = textsOf(events);
      texts[3] = texts[3]!.replace('"data":{', '"data":');
      return rowOf(texts);
    });
    const service = await durable.start(race.providers);
    const attempt = await race.next('fast');
    expect(attempt.context.runId).toBe(runs[2]!.id);
    attempt.succeed();
    await service.event(attempt.context.runId, 'run.replied');
    const errors = service.log.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ runId }) => runId)).toEqual([runs[0]!.id, runs[1]!.id]);
  });

  test.each([
    { keepInput: false, kept: '[redacted]' },
    { redact: ['/input/card/number'], kept: { card: { number: '[redacted]' }, of: 'me' } },
  ])(
    'fails with input-not-kept where the task keeps it from the journal: %j',
    async ({ kept, ...options }) => {
      const race = new ControlledTask('race', { fast: {}, slow: {} }, options);
      const before = await durable.start(race.providers);
      const input = { card: { number: 'n-4711' }, of: 'me' };
      const answer = before.answer('race', { input });
      const { fast, slow } = await race.all();
      expect(slow.input).toEqual(input);
      fast.succeed('done');
      const { runId } = await answer;
      durable.crash();
      const after = await durable.start(race.providers);
      expect(await after.finishedRun(runId)).toMatchObject({
        status: 'partly-failed',
        input: kept,
        reply: { answeredBy: 'fast', result: 'done' },
        subTasks: [
          { status: 'succeeded' },
          { status: 'failed', error: { code: 'input-not-kept' }, attempts: 1 },
        ],
      });
      const retry = await after.http.post(`/runs/${runId}/sub-tasks/slow/retry`);
      await expectProblem(after, retry, 409, 'input-not-kept');
      expect(race.peak('slow')).toBe(1);
      await durable.stop();
      expect(durable.database.bytes()).not.toContain('n-4711');
    },
  );

  test('tells those who wait of whole results, and everybody else of what is left of them', async () => {
    const race = new ControlledTask(
      'race',
      { fast: {}, slow: {} },
      { redact: ['/result/token', '/result/list/1'] },
    );
    const service = await durable.start(race.providers);
    const send = (reply: object) =>
      service.http.post('/tasks/race/runs').set('Idempotency-Key', '"once"').send({ input: 1, reply });
    const whole = { token: 't-4711', list: [1, 't-4712'], of: 'x'.repeat(5_000) };
    const kept = { ...whole, token: '[redacted]', list: [1, '[redacted]'] };
    const answer = send({ policy: 'all' }).then(({ body }) => body as Answer);
    const { fast, slow } = await race.all();
    fast.succeed(whole);
    slow.succeed('plain');
    const { runId, ...told } = await answer;
    expect(told).toMatchObject({ result: { fast: whole, slow: 'plain' } });
    const shown = await service.finishedRun(runId);
    expect(shown).toMatchObject({
      reply: { result: { fast: kept, slow: 'plain' } },
      subTasks: [{ result: kept }, { result: 'plain' }],
    });
    expect((await send({ policy: 'all' })).body).toMatchObject({ runId, result: { fast: kept } });
    const first = service.answer('race', { input: 2 });
    const again = await race.all();
    again.fast.succeed(null);
    again.slow.succeed({ token: 't-4711' });
    expect((await first).result).toBe(null);
    await service.finishedRun((await first).runId);
    await durable.stop();
    const said = JSON.stringify(service.events) + durable.database.bytes();
    for (const secret of ['t-4711', 't-4712']) expect(said).not.toContain(secret);
  });

  test('refuses the agreement of results that the journal doesn’t have whole', async () => {
    const race = new ControlledTask('race', { fast: {}, slow: {} }, { redact: ['/result'] });
    const service = await durable.start(race.providers);
    const response = await service.run('race', { reply: { policy: 'agreement', agreement: 2 } });
    expect(response.body).toMatchObject({ status: 400, errors: [{ pointer: '/reply/policy' }] });
  });

  test('fails with input-unfit where the task takes such an input no more', async () => {
    const strict = new ControlledTask('strict', { only: {} }, { input: z.object({ name: z.string() }) });
    const run = new PastRun('strict', ['only'], { input: { title: 'x' } }).started('only');
    await durable.leave(run);
    const service = await durable.start(strict.providers);
    const { status, subTasks } = await service.finishedRun(run.id);
    expect({ status, error: subTasks[0]?.error?.code }).toEqual({ status: 'failed', error: 'input-unfit' });
    expect(strict.peak()).toBe(0);
  });
});
