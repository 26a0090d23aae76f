import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { Global, Module, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Frontrunner, FrontrunnerModule, WaitError, type RunEvent } from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { English, Flaky, Greet, Greetings, Solo, Spanish, Unsteady } from './host.js';

@Global()
@Module({ providers: [Greetings], exports: [Greetings] })
class GreetingsModule {}

const SECRET = `whsec_${Buffer.alloc(32, 'planted').toString('base64')}`;

describe('an instance within an application', () => {
  let app: INestApplication;
  let frontrunner: Frontrunner;
  beforeAll(async () => {
    const module = await Test.createTestingModule({
      imports: [
        GreetingsModule,
        FrontrunnerModule.forRoot({ database: 'memory:', webhookSecret: SECRET }),
        FrontrunnerModule.forFeature([Greet, English, Spanish, Flaky, Unsteady, Solo]),
      ],
    })
      .setLogger(new CapturedLog())
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    frontrunner = app.get(Frontrunner);
  });
  afterAll(async () => {
    await app.close();
  });

  test('starts runs of tasks whose sub-tasks are given what the application has', async () => {
    const run = await frontrunner.start(Greet, { name: 'Ada' });
    const { result, answeredBy, background } = await run.reply({ wait: '2s' });
    expect({ result, answeredBy, background }).toEqual({
      result: { text: 'Hola, Ada', age: 30 },
      answeredBy: 'spanish',
      background: ['english'],
    });
    English.release();
    expect(await run.finished()).toMatchObject({ status: 'succeeded' });
    expect(app.get(Greetings).told.map(({ type }) => type)).toEqual(['run.replied', 'run.finished']);
  });

  test('gives the run of the first start for an idempotency key', async () => {
    const first = await frontrunner.start(Greet, { name: 'Ada' }, { idempotencyKey: 'order-7' });
    const second = await frontrunner.start(Greet, { name: 'Ada' }, { idempotencyKey: 'order-7' });
    expect(second).toMatchObject({ id: first.id, replayed: true });
    await expect(
      frontrunner.start(Greet, { name: 'Bob' }, { idempotencyKey: 'order-7' }),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' });
    English.release();
  });

  test('tells of a run what its policies make of it, and finds it again by its id', async () => {
    const labels = { tenant: 'acme' };
    const reply = { policy: 'primary', primary: 'english' } as const;
    const started = await frontrunner.start(Greet, { name: 'Ada' }, { labels, reply, losers: 'cancel' });
    const run = await frontrunner.run(started.id);
    const waited = await run.reply({ wait: 0 }).then(undefined, (error: unknown) => error);
    expect(waited).toBeInstanceOf(WaitError);
    expect(waited).toMatchObject({ runId: run.id });
    await expect(run.finished({ wait: '1ms' })).rejects.toThrow(WaitError);
    expect(await run.show()).toMatchObject({ status: 'running', labels });
    expect((await frontrunner.runs({ labels: ['tenant:acme'] })).runs.map(({ id }) => id)).toEqual([run.id]);
    English.release();
    expect(await run.reply()).toMatchObject({ answeredBy: 'english', background: [] });
  });

  test('takes webhooks of a run, and tells nobody what is secret of them', async () => {
    const webhooks = [{ url: 'https://hooks.invalid/a?token=planted', secret: SECRET }];
    const run = await frontrunner.start(Solo, { name: 'Ada' }, { webhooks });
    expect(await run.finished()).toMatchObject({
      webhooks: [{ url: 'https://hooks.invalid/a', events: ['run.replied', 'run.finished'] }],
    });
    const events: RunEvent[] = [];
    for await (const event of run.events()) events.push(event);
    expect(events.map(({ type }) => type)).toContain('run.started');
    const shown = inspect([events, run], { depth: 5 }) + inspect(frontrunner);
    for (const hidden of [SECRET.slice(6), 'planted', 'sealed']) expect(shown).not.toContain(hidden);
    await expect(
      frontrunner.start(Solo, { name: 'Ada' }, { webhooks: [{ url: 'http://hooks.invalid' }] }),
    ).rejects.toThrow(/\/webhooks\/0\/url takes https/);
  });

  test('cancels a run', async () => {
    const run = await frontrunner.start(
      Greet,
      { name: 'Ada' },
      { reply: { policy: 'primary', primary: 'english' } },
    );
    expect(await run.cancel()).toMatchObject({ status: 'cancelled' });
    await expect(run.reply()).rejects.toMatchObject({ code: 'run-cancelled' });
    const over = await frontrunner.start(Solo, { name: 'Ada' });
    await over.finished();
    await expect(over.cancel()).rejects.toMatchObject({ code: 'run-finished' });
  });

  test('runs a sub-task that has failed again', async () => {
    const run = await frontrunner.start(Flaky);
    await expect(run.reply()).rejects.toMatchObject({ code: 'run-failed' });
    expect(await run.finished()).toMatchObject({ status: 'failed' });
    await run.retry('flaky');
    expect(await run.reply()).toMatchObject({ result: 'at the second attempt' });
  });

  test('tells all events of a run in their order, those to come too, and ends with the run', async () => {
    const run = await frontrunner.start(Greet, { name: 'Ada' });
    const types: string[] = [];
    for await (const { type } of run.events()) {
      types.push(type);
      if (type === 'run.replied') English.release();
    }
    expect(types[0]).toBe('run.started');
    expect(types.at(-1)).toBe('run.finished');
    const ending = new AbortController();
    const seen = [];
    for await (const event of frontrunner.events({ signal: ending.signal })) {
      if (event.runId !== run.id) continue;
      seen.push(event.type);
      if (event.type === 'run.finished') ending.abort();
    }
    expect(seen).toEqual(types);
  });

  test.each([
    ['after', -1],
    ['after', 1.5],
    ['after', NaN],
    ['after', 'x'],
    ['signal', 'abort'],
    ['type', 'run.finished'],
  ])('refuses events whose %s is %p', async (name, value) => {
    const run = await frontrunner.start(Solo, { name: 'Ada' });
    const options = { [name]: value };
    for (const events of [frontrunner.events(options), run.events(options)])
      await expect(events.next()).rejects.toMatchObject(at(`/${name}`));
  });

  test.each([undefined, null, 7])('refuses %p as the id of a run', async (id) => {
    await expect(frontrunner.run(id as never)).rejects.toMatchObject(at('/id'));
  });

  test.each<[object, string]>([
    [{ limit: 'x' }, '/limit'],
    [{ limit: 1.5 }, '/limit'],
    [{ limit: 0 }, '/limit'],
    [{ limit: 201 }, '/limit'],
    [{ status: 'failed' }, '/status'],
    [{ statuses: ['done'] }, '/statuses/0'],
    [{ statuses: [] }, '/statuses'],
    [{ labels: ['acme'] }, '/labels/0'],
    [{ labels: [] }, '/labels'],
    [{ task: Greet }, '/task'],
    [{ client: 7 }, '/client'],
    [{ since: '2026' }, '/since'],
    [{ until: NaN }, '/until'],
    [{ olderThan: { createdAt: 1 } }, '/olderThan/number'],
  ])('refuses the runs of %j', async (query, pointer) => {
    await expect(frontrunner.runs(query)).rejects.toMatchObject(at(pointer));
  });

  test('pages on behind the last run of a page, within the bounds of a query', async () => {
    await (await frontrunner.start(Solo, { name: 'Ada' })).finished();
    await (await frontrunner.start(Solo, { name: 'Bob' })).finished();
    const query = { task: 'solo', statuses: ['succeeded'], since: 0, until: Date.now() + 60_000 } as const;
    const all = await frontrunner.runs({ ...query, limit: 2 });
    const first = await frontrunner.runs({ ...query, limit: 1 });
    const second = await frontrunner.runs({ ...query, limit: 1, olderThan: first.next! });
    expect([...first.runs, ...second.runs]).toEqual(all.runs);
  });

  test('refuses a retry of no sub-task', async () => {
    const run = await frontrunner.start(Solo, { name: 'Ada' });
    await run.finished();
    await expect(run.retry(undefined as never)).rejects.toMatchObject(at('/subTask'));
  });

  test.each<[unknown, unknown, RegExp]>([
    [undefined, {}, /^undefined is no task/],
    [null, {}, /^null is no task/],
    [{}, {}, /^{} is no task/],
    ['solo', null, /^The options of start\(\) are null/],
    ['solo', 'cancel', /^The options of start\(\) are 'cancel'/],
  ])('refuses start(%j, input, %j)', async (task, options, message) => {
    const started = frontrunner.start(task as string, { name: 'Ada' }, options as object);
    await expect(started).rejects.toThrow(message);
    await expect(started).rejects.toBeInstanceOf(TypeError);
  });

  test('knows no run of another id', async () => {
    const run = await frontrunner.run('019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b');
    for (const use of [
      () => run.reply(),
      () => run.finished(),
      () => run.show(),
      () => run.cancel(),
      () => run.events().next(),
    ])
      await expect(use()).rejects.toMatchObject({ code: 'run-unknown' });
  });

  const circle: { name: string; self?: object } = { name: 'Ada' };
  circle.self = circle;
  test.each<[string, string | typeof Greet, unknown, object, object]>([
    ['a task that there is none of', 'greeet', null, {}, { code: 'task-unknown' }],
    [
      'a class that is no task',
      English as never,
      null,
      {},
      { message: expect.stringMatching(/^English is no task/) },
    ],
    [
      'a policy that there is none of',
      Greet,
      { name: 'Ada' },
      { reply: { policy: 'fastest' } },
      { code: 'invalid-request', message: expect.stringMatching(/^The call does not fit: \/reply/) },
    ],
    [
      'a primary that is no sub-task',
      Greet,
      { name: 'Ada' },
      { reply: { policy: 'primary', primary: 'x' } },
      at('/reply/primary'),
    ],
    ['an option that there is none of', Greet, { name: 'Ada' }, { loser: 'cancel' }, at('/loser')],
    ['a deadline that is no duration', Greet, { name: 'Ada' }, { deadline: 'soon' }, at('/deadline')],
    ['an empty idempotency key', Greet, { name: 'Ada' }, { idempotencyKey: '' }, at('/idempotencyKey')],
    ['a traceparent that is none', Greet, { name: 'Ada' }, { traceparent: '00-0-0-0' }, at('/traceparent')],
    ['an input that does not fit', Greet, { name: '' }, {}, at('/input/name')],
    ['a function in the input', Greet, { name: () => 'Ada' }, {}, at('/input')],
    ['a circle in the input', Greet, circle, {}, at('/input')],
    ['a Map as the input', Greet, new Map(), {}, at('/input')],
    ['an input that is too large', Greet, { name: 'x'.repeat(200_000) }, {}, at('/input')],
  ])('refuses %s', async (_what, task, input, options, error) => {
    await expect(frontrunner.start(task, input as never, options)).rejects.toMatchObject(error);
  });
});

/** The refusal of what stands at a JSON Pointer. */
function at(pointer: string): object {
  return { code: 'invalid-request', details: { errors: [{ pointer, detail: expect.any(String) }] } };
}
