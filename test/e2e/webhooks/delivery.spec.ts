import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Seal } from '../../../src/core/seal.js';
import type { WebhookTerms } from '../../../src/core/webhook.schema.js';
import { Journal } from '../../../src/run/journal.js';
import { Deliverer } from '../../../src/webhooks/deliverer.js';
import { TestApp } from '../../support/test-app.js';
import { json, misbehaviours, UpstreamServer, type ReceivedRequest } from '../../support/upstreams.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

describe('deliveries to webhooks', () => {
  const ofService = newSecret();
  let answer: RequestListener;
  let receiver: UpstreamServer;
  let other: UpstreamServer;
  let service: TestApp;
  beforeEach(async () => {
    answer = json({});
    receiver = await UpstreamServer.start((request, response) => {
      answer(request, response);
    });
    other = await UpstreamServer.start(json({}), 'https');
    const env = { WEBHOOK_ORIGINS: `public,${receiver.origin},${other.origin}`, WEBHOOK_SECRET: ofService };
    service = await TestApp.start({ env });
  });
  afterEach(async () => {
    await service.close();
    await receiver.close();
    await other.close();
  });

  const sealed = (secret: string) => ({ sealed: service.app.get(Seal).seal(secret) });
  const subscribe = async (id: string, terms: Partial<WebhookTerms>) => {
    const journal = service.app.get(Journal);
    const all = { url: `${receiver.origin}/${id}?token=1`, secrets: [], ...terms };
    const at = { createdAt: Date.now(), cursor: journal.lastEventId, cursorAt: Date.now() };
    const open = { client: null, revision: 1, paused: null, pausedAt: null };
    await journal.webhooks.add({ id, terms: JSON.stringify(all), ...open, ...at });
  };
  const sendTest = (terms: Partial<WebhookTerms> = {}) =>
    service.app.get(Deliverer).sendTest({ url: `${receiver.origin}/test`, secrets: [], ...terms });
  const verified = ({ body, headers }: ReceivedRequest, secret: string): unknown =>
    new Webhook(secret).verify(body, headers as Record<string, string>);

  test('are signed as Standard Webhooks has it, in each format, with the trace of the run', async () => {
    const [newer, older] = [newSecret(), newSecret()];
    await subscribe('plain', { secrets: [sealed(newer), { ...sealed(older), until: Date.now() + 60_000 }] });
    await subscribe('structured', { format: 'cloudevents', events: ['run.finished'] });
    await subscribe('binary', { format: 'cloudevents-binary', events: ['run.finished'] });
    const { runId } = (
      await service.http.post('/tasks/demo/runs').set('traceparent', TRACEPARENT).send({}).expect(200)
    ).body as { runId: string };
    await receiver.until(() => receiver.requests.length === 4);

    const to = (id: string) => receiver.requests.filter(({ target }) => target === `/${id}?token=1`);
    const { events } = (await service.http.get('/events').expect(200)).body as {
      events: { id: number; type: string; time: string }[];
    };
    const told = events.filter(({ type }) => type === 'run.replied' || type === 'run.finished');
    expect(to('plain').map((request) => verified(request, newer))).toEqual(told);
    expect(to('plain').map((request) => verified(request, older))).toEqual(told);
    expect(to('plain').map(({ headers }) => headers['webhook-id'])).toEqual(told.map(({ id }) => String(id)));
    expect(receiver.requests.map(({ headers }) => headers.traceparent)).toEqual(
      Array.from({ length: 4 }, () => TRACEPARENT),
    );

    const finished = told.at(-1);
    const attributes = {
      specversion: '1.0',
      id: String(finished?.id),
      source: '/tasks/demo',
      type: 'frontrunner.run.finished',
      time: finished?.time,
      subject: runId,
      traceparent: TRACEPARENT,
    };
    const [structured, binary] = [to('structured')[0], to('binary')[0]];
    expect(structured && verified(structured, ofService)).toEqual({
      ...attributes,
      datacontenttype: 'application/json',
      data: finished,
    });
    expect(structured?.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(binary && verified(binary, ofService)).toEqual(finished);
    expect(binary?.headers).toMatchObject({
      'content-type': 'application/json',
      ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
    });
  });

  test('succeed with 2xx alone, and say what else came of them', async () => {
    const came = async (listener: RequestListener, terms: Partial<WebhookTerms> = {}) => {
      answer = listener;
      const { at: _, tookMs: __, ...said } = await sendTest(terms);
      return said;
    };
    expect(await came(json({}, 204))).toEqual({ status: 204 });
    expect(await came(misbehaviours.dripFed)).toEqual({ status: 200 });
    expect(await came(misbehaviours.stuckBody(202))).toEqual({ status: 202 });
    expect(await came(misbehaviours.resetInBody)).toEqual({ status: 200 });
    expect(await came(json({ no: 1 }, 500))).toEqual({
      status: 500,
      error: 'status',
      message: 'It answered 500',
      excerpt: '{"no":1}',
    });
    expect(await came(json('', 302, { location: other.origin }))).toMatchObject({
      status: 302,
      message: 'It answered 302: redirects are not followed',
    });
    expect(await came(misbehaviours.slowHeaders, { timeout: '50ms' })).toEqual({
      error: 'timeout',
      message: 'There was no answer within the timeout',
    });
    expect(await came(misbehaviours.resetBeforeHeaders)).toMatchObject({ error: 'unreachable' });
    const flood: RequestListener = ({ socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_000)}\r\n`.repeat(1_000)}`);
    };
    expect(await came(flood)).toMatchObject({ error: 'unreachable' });
    expect(other.requests).toEqual([]);
  });

  test('go nowhere that callers may not have events sent to, and nowhere unsigned', async () => {
    expect(await sendTest({ url: 'https://127.0.0.1:1/' })).toMatchObject({ error: 'forbidden-address' });
    expect(await sendTest({ url: 'http://example.com/' })).toMatchObject({ error: 'forbidden-address' });
    expect(await sendTest({ url: `${other.origin}/` })).toMatchObject({ error: 'unreachable' });
    const strange = { sealed: new Seal([randomBytes(32)]).seal(newSecret()) };
    expect(await sendTest({ secrets: [strange] })).toMatchObject({ error: 'sealed' });
    expect(receiver.requests).toEqual([]);
  });
});
