import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { RunEvent } from '../../src/core/events.js';
import { Receiver, receiverPrograms } from '../support/receivers.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { TestApp } from '../support/test-app.js';
import { ROOT } from '../support/type-check.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const EVENT = { id: 17, type: 'run.finished', data: { status: 'succeeded', note: 'Grüße, 世界' } };
const BODY = JSON.stringify(EVENT);
const MINUTE = 60_000;

const directory = temporaryDirectory();
const programs = await receiverPrograms(directory);

/** What a delivery has of headers; the reference library signs it. */
function headersOf(
  body: string,
  { id = '17', secret = SECRET, at = Date.now() } = {},
): Record<string, string> {
  const time = new Date(at);
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, time, body),
  };
}

async function post(url: string, headers: Record<string, string>, body: string): Promise<number> {
  const answer = await fetch(url, { method: 'POST', headers, body });
  await answer.body?.cancel();
  return answer.status;
}

for (const { name, command, missing } of programs) {
  if (!command) process.stdout.write(`Skipped: the receiver with ${name}, for ${missing}\n`);

  (command ? describe : describe.skip)(`the receiver with ${name}`, () => {
    const inbox = join(directory, name);
    let receiver: Receiver;
    const restart = async (): Promise<void> => {
      await receiver.stop();
      receiver = await Receiver.start(command!, SECRET, inbox);
    };
    beforeAll(async () => {
      receiver = await Receiver.start(command!, SECRET, inbox);
    });
    afterAll(() => receiver.stop());

    test('refuses what was not signed with its secret, was changed, or is old', async () => {
      const { url } = receiver;
      const signed = headersOf(BODY);
      const without = (header: string) =>
        Object.fromEntries(Object.entries(signed).filter(([name]) => name !== header));
      const changed = BODY.replace('succeeded', 'failed   ');
      const requests: [Record<string, string>, string][] = [
        [headersOf(BODY, { secret: OTHER }), BODY],
        [signed, changed],
        [{ ...signed, 'webhook-id': '18' }, BODY],
        [headersOf(BODY, { at: Date.now() - 6 * MINUTE }), BODY],
        [headersOf(BODY, { at: Date.now() + 6 * MINUTE }), BODY],
        [{ ...signed, 'webhook-timestamp': 'soon' }, BODY],
        [{ ...signed, 'webhook-signature': '' }, BODY],
        [without('webhook-id'), BODY],
        [without('webhook-timestamp'), BODY],
        [without('webhook-signature'), BODY],
        [{ ...signed, 'webhook-signature': signed['webhook-signature']!.replace('v1,', 'v1a,') }, BODY],
        [signed, ''],
      ];
      for (const [headers, body] of requests) expect(await post(url, headers, body)).toBe(400);
      expect(receiver.kept()).toEqual({});
    });

    test('keeps an event once, however often it comes, before and after a crash', async () => {
      const twice = [post(receiver.url, headersOf(BODY), BODY), post(receiver.url, headersOf(BODY), BODY)];
      expect(await Promise.all(twice)).toEqual([204, 204]);
      expect(receiver.kept()).toEqual({ 17: EVENT });
      await restart();
      expect(await post(receiver.url, headersOf(BODY), BODY)).toBe(204);
      expect(await post(receiver.url, headersOf('{"id":18}', { id: '18' }), '{"id":18}')).toBe(204);
      expect(receiver.kept()).toEqual({ 17: EVENT, 18: { id: 18 } });
    });

    test('takes one signature of two, as there are while a secret is rotated', async () => {
      for (const [id, order] of [
        ['20', [SECRET, OTHER]],
        ['21', [OTHER, SECRET]],
      ] as const) {
        const headers = headersOf(BODY, { id });
        const signatures = order.map((secret) => headersOf(BODY, { id, secret })['webhook-signature']);
        expect(
          await post(receiver.url, { ...headers, 'webhook-signature': signatures.join(' ') }, BODY),
        ).toBe(204);
      }
      expect(Object.keys(receiver.kept())).toEqual(expect.arrayContaining(['20', '21']));
    });

    test('takes CloudEvents, and bodies of some megabytes', async () => {
      const body = JSON.stringify({ ...EVENT, data: 'x'.repeat(4_000_000) });
      const headers = { ...headersOf(body, { id: '30' }), 'content-type': 'application/cloudevents+json' };
      expect(await post(receiver.url, headers, body)).toBe(204);
      expect(receiver.kept()).toHaveProperty('30');
    });
  });
}

describe('a service that delivers to all of them', () => {
  const receivers: Receiver[] = [];
  let service: TestApp;
  beforeAll(async () => {
    for (const { name, command } of programs)
      if (command)
        receivers.push(await Receiver.start(command, SECRET, join(directory, `${name}-delivered`)));
    const origins = receivers.map(({ url }) => new URL(url).origin).join();
    service = await TestApp.start({ env: { WEBHOOK_SECRET: SECRET, WEBHOOK_ORIGINS: origins } });
  });
  afterAll(async () => {
    await service.close();
    for (const receiver of receivers) await receiver.stop();
  });

  test.each(['event', 'cloudevents', 'cloudevents-binary'])('has its events kept, as %s', async (format) => {
    const webhooks = receivers.map(({ url }) => ({ url, format, events: ['run.started', 'run.finished'] }));
    const { runId } = await service.answer('demo', { webhooks });
    const { id } = await service.event(runId, 'run.finished');
    const answer = await service.http.get(`/runs/${runId}/events`).expect(200);
    const { events } = answer.body as { events: RunEvent[] };
    const [started, finished] = events.filter(({ type }) => /^run\.(started|finished)$/.test(type));
    const shape = (event?: RunEvent): unknown =>
      format === 'cloudevents' ? expect.objectContaining({ subject: runId, data: event }) : event;
    for (const receiver of receivers) {
      while (receiver.kept()[id] === undefined) await delay(20);
      const kept = receiver.kept();
      expect([kept[started!.id], kept[id]]).toEqual([shape(started), shape(finished)]);
    }
  });
});

describe('the check of signatures in Python', () => {
  const python = spawnSync('python3', ['--version']).error === undefined;
  if (!python) process.stdout.write('Skipped: signature.py, for there is no python3\n');

  (python ? test : test.skip)('needs nothing but the standard library', () => {
    const verify = (headers: Record<string, string>): number | null =>
      spawnSync(
        'python3',
        [
          '-c',
          'import json, sys; from signature import verify; verify(sys.argv[1], json.loads(sys.argv[2]), sys.stdin.buffer.read())',
          ...[SECRET, JSON.stringify(headers)],
        ],
        {
          cwd: join(ROOT, 'examples/receivers'),
          input: BODY,
          env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
        },
      ).status;
    expect(verify(headersOf(BODY))).toBe(0);
    expect(verify(headersOf(BODY, { secret: OTHER }))).toBe(1);
    expect(verify(headersOf(BODY, { at: Date.now() - 6 * MINUTE }))).toBe(1);
  });
});
