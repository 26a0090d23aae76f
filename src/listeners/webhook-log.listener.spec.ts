import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CapturedLog } from '../../test/support/captured-log.js';
import type { WebhookEvent } from '../core/webhook-event.js';
import { WebhookLogListener } from './webhook-log.listener.js';

const AT = Date.parse('2026-11-23T12:00:00.000Z');
const event = {
  webhook: 'w1',
  url: 'https://hooks.example.com/in',
  event: 42,
  type: 'run.finished',
  runId: 'r1',
  task: 'quote',
  attempt: 2,
  report: { at: AT, tookMs: 12.4, status: 503, error: 'status' },
};
const failing = (changed: Partial<WebhookEvent<'webhook.failing'>> = {}) => ({
  kind: 'webhook.failing' as const,
  nextAt: AT + 5_000,
  ...event,
  ...changed,
});

describe('the log of webhooks', () => {
  let log: CapturedLog;
  let listener: WebhookLogListener;
  const listen = (LOG_LEVEL: 'info' | 'debug') =>
    (listener = new WebhookLogListener({ LOG_LEVEL, LOG_LEVELS: {} }));
  beforeEach(() => {
    jest.useFakeTimers();
    log = new CapturedLog();
    Logger.overrideLogger(log);
    listen('info');
  });
  afterEach(() => {
    listener.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
    Logger.overrideLogger(false);
    jest.useRealTimers();
  });

  test('says of a failure why, and when the next attempt is due; of a dead letter that it is given up', () => {
    listener.failing(failing());
    listener.failing(
      failing({ nextAt: null, report: { at: AT, tookMs: 1, error: 'timeout', message: 'no answer in 15s' } }),
    );
    const about = {
      webhook: 'w1',
      url: event.url,
      event: 42,
      type: 'run.finished',
      runId: 'r1',
      task: 'quote',
      attempt: 2,
    };
    expect(log.lines).toMatchObject([
      {
        ...about,
        level: 'warn',
        msg: 'Delivery to https://hooks.example.com/in failed: it answered 503; the next attempt is due in 5s',
        status: 503,
        code: 'status',
        durationMs: 12,
        nextAt: '2026-11-23T12:00:05.000Z',
      },
      {
        ...about,
        level: 'error',
        msg: 'Delivery to https://hooks.example.com/in given up, a dead letter: no answer in 15s',
        code: 'timeout',
      },
    ]);
  });

  test('says of a receiver that goes on failing how many in ten seconds, whatever its paths are', () => {
    for (const path of ['a', 'b', 'c'])
      listener.failing(failing({ webhook: 'runs', url: `https://down.example/${path}` }));
    listener.failing(failing({ webhook: 'runs', url: 'https://other.example/' }));
    expect(log.lines.splice(0)).toHaveLength(2);
    jest.advanceTimersByTime(10_000);
    expect(log.lines.splice(0)).toMatchObject([
      {
        level: 'warn',
        msg: 'Delivery to https://down.example/b failed: 2 more in 10 s, the first of them: it answered 503; its next attempt is due in 5s',
        count: 2,
      },
    ]);
  });

  test('says of a pause why and how it is mended, and of one that was asked for only that it is', () => {
    const paused = { kind: 'webhook.paused' as const, webhook: 'w1', url: event.url };
    listener.paused({ ...paused, reason: 'gone' });
    listener.paused({ ...paused, reason: 'failing' });
    listener.paused({ ...paused, reason: 'request' });
    expect(log.lines).toMatchObject([
      {
        level: 'error',
        reason: 'gone',
        msg: expect.stringMatching(/410 Gone.*change its url.*\/webhooks\/w1/),
      },
      {
        level: 'error',
        reason: 'failing',
        msg: expect.stringMatching(/too long.*PATCH \/webhooks\/w1.*"paused": false/),
      },
      { level: 'log', reason: 'request' },
    ]);
  });

  test('says of deliveries only at debug', () => {
    const delivered = {
      kind: 'webhook.delivered' as const,
      ...event,
      delayMs: 7,
      report: { at: AT, tookMs: 3, status: 200 },
    };
    listener.delivered(delivered);
    expect(log.lines).toEqual([]);
    listen('debug').delivered(delivered);
    expect(log.lines).toMatchObject([
      {
        level: 'debug',
        msg: 'run.finished delivered to https://hooks.example.com/in',
        status: 200,
        delayMs: 7,
      },
    ]);
  });
});
