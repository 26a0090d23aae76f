import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import type { SubTaskContext } from '../../../src/core/sub-task.js';
import type { RunEvent } from '../../../src/core/events.js';
import { OnRunEvent } from '../../../src/events/on-run-event.decorator.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const SECRET = `whsec_${Buffer.from('planted by the caller of a run').toString('base64')}`;
const DECLARED = `whsec_${Buffer.from('nobody is to be told this secret').toString('base64')}`;
const OWN = `whsec_${Buffer.from('the one that the service has').toString('base64')}`;
/** No name ends in it (RFC 6761): nothing is ever sent. */
const URL = 'https://hooks.invalid/runs?token=planted';
const SHOWN = 'https://hooks.invalid/runs';
const webhook = { url: URL, secret: SECRET, events: ['run.finished'] };

/** What is given to the code of tasks and listeners. */
const given: unknown[] = [];
const run = (_input: unknown, context: SubTaskContext) =>
  given.push(inspect(context), inspect(context.logger));
const notified = inlineTask(
  'notified',
  { only: { run } },
  { webhooks: [{ url: 'https://tasks.invalid/all?token=planted', secret: DECLARED }] },
);
const plain = inlineTask('plain', { only: { run } });

@Injectable()
class Listener {
  @OnRunEvent('run.started', 'run.replied', 'run.finished')
  hear(event: RunEvent): void {
    given.push(event);
  }
}

describe('webhooks of a run', () => {
  const env = { SECRETS_KEY: Buffer.alloc(32, 'key').toString('base64'), WEBHOOK_SECRET: OWN };
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env, providers: [...notified, ...plain, Listener] });
  });
  afterAll(() => service.close());

  const send = (body: object, key?: string) =>
    service.http
      .post('/tasks/plain/runs')
      .set(key === undefined ? {} : { 'Idempotency-Key': key })
      .send(body);

  test('are shown with it, and of a task with that, without what may be secret', async () => {
    const { runId } = await service.answer('notified', { webhooks: [webhook] });
    const ofTask = { url: 'https://tasks.invalid/all', events: ['run.replied', 'run.finished'] };
    expect(await service.finishedRun(runId)).toMatchObject({
      webhooks: [ofTask, { url: SHOWN, events: ['run.finished'] }],
    });
    const task = await service.http.get('/tasks/notified').expect(200);
    expect(task.body).toMatchObject({ webhooks: [ofTask] });
    const without = await service.answer('plain');
    expect(await service.finishedRun(without.runId)).not.toHaveProperty('webhooks');
  });

  test('are part of what an idempotency key stands for', async () => {
    const first = await send({ webhooks: [webhook] }, '"hook"').expect(200);
    const again = await send({ webhooks: [webhook] }, '"hook"').expect(200);
    expect(again.get('Idempotency-Replayed')).toBe('true');
    expect(again.body).toMatchObject({ runId: (first.body as { runId: string }).runId });
    const other = await send({ webhooks: [{ ...webhook, secret: DECLARED }] }, '"hook"');
    await expectProblem(service, other, 422, 'idempotency-key-reused');
  });

  test.each([
    [{ webhooks: [webhook, { ...webhook, url: 'http://hooks.invalid' }] }, '/webhooks/1/url'],
    [{ webhooks: [webhook, { ...webhook, url: 'ftp://hooks.invalid' }] }, '/webhooks/1/url'],
    [{ webhooks: [{ url: URL.replace('https', 'http') }] }, '/webhooks/0/url'],
    [{ webhooks: [{ ...webhook, secret: SECRET.slice(1) }] }, '/webhooks/0/secret'],
    [{ webhooks: [{ ...webhook, events: ['run.done'] }] }, '/webhooks/0/events/0'],
    [{ webhooks: [{ ...webhook, retry: { attempts: 101 } }] }, '/webhooks/0/retry/attempts'],
    [{ webhooks: [{ ...webhook, allowPrivate: true }] }, '/webhooks/0/allowPrivate'],
    [{ webhooks: new Array(9).fill(webhook) }, '/webhooks'],
  ])('that are wrong start nothing, and have a pointer: %#', async (body, pointer) => {
    const started = service.runsStarted;
    const response = await send(body);
    await expectProblem(service, response, 400, 'invalid-request');
    expect(response.body).toMatchObject({ errors: [{ pointer }] });
    expect(response.text).not.toMatch(/cGxhbnR|planted/);
    expect(service.runsStarted).toBe(started);
  });

  test('are taken in batches, and one that is wrong stops no other', async () => {
    const runs = [{ webhooks: [webhook] }, { webhooks: [{ ...webhook, secret: 'x' }] }];
    const batch = await service.http.post('/tasks/plain/runs:batch').send({ runs }).expect(200);
    expect(batch.body).toMatchObject({
      accepted: 1,
      runs: [{ status: 202 }, { status: 400, errors: [{ pointer: '/runs/1/webhooks/0/secret' }] }],
    });
  });

  test('are in nothing that anybody is told: no secret, sealed or not, and no query', async () => {
    const { runId } = await service.answer('notified', { webhooks: [webhook] });
    await service.finishedRun(runId);
    const recorded = service.events.filter(({ type }) => type === 'run.started') as RunEvent<'run.started'>[];
    const sealed = recorded.flatMap(({ data }) =>
      (data.webhooks ?? []).flatMap(({ secrets }) => secrets.map((secret) => secret.sealed)),
    );
    expect(sealed.length).toBeGreaterThan(1);
    const paths = [
      ...['/runs', `/runs/${runId}`, `/runs/${runId}/events`, '/events', '/tasks', '/queue', '/nodes'],
      ...['/openapi.json', '/tasks/notified/stats', '/stats', '/metrics'],
      ...['/webhooks', '/webhooks/runs/deliveries'],
    ];
    const answers = await Promise.all(
      paths.map(async (path) => (await service.http.get(path).set('Accept', 'application/json')).text),
    );
    const stream = await StreamReader.open(`${service.url}/runs/${runId}/events`, { lastEventId: 0 });
    await stream.ended;
    expect(stream.text).toContain('run.started');
    const prints = [given, service.log.lines].map((one) => inspect(one, { depth: 4 }));
    const all = [...answers, stream.text, ...prints].join('\n');
    expect(all).toContain(SHOWN);
    const hidden = [SECRET.slice(6), DECLARED.slice(6), 'token=planted', OWN.slice(6), ...sealed];
    const told = hidden.filter((text) => all.includes(text));
    expect(told.map((text) => all.slice(Math.max(0, all.indexOf(text) - 200), all.indexOf(text)))).toEqual(
      [],
    );
  });
});
