import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CapturedLog } from '../../test/support/captured-log.js';
import { Refusals } from './refusals.js';

describe('refusals', () => {
  let log: CapturedLog;
  let refusals: Refusals;
  beforeEach(() => {
    jest.useFakeTimers();
    log = new CapturedLog();
    Logger.overrideLogger(log);
    refusals = new Refusals();
  });
  afterEach(() => {
    refusals.onApplicationShutdown();
    Logger.overrideLogger(false);
    jest.useRealTimers();
  });

  const request = (id: string, url = '/runs?token=secret') =>
    Object.assign(new IncomingMessage(new Socket()), {
      method: 'GET',
      originalUrl: url,
      ip: '192.0.2.7',
      headers: { 'x-request-id': id, authorization: 'Bearer secret' },
    });

  test('are told of at once, then once in ten seconds of each reason, and counted', () => {
    for (const id of ['one', 'two', 'three']) refusals.count('unauthorized', request(id));
    refusals.count('overloaded', request('four'), 'no room');
    const about = { level: 'warn', address: '192.0.2.7', method: 'GET', path: '/runs' };
    expect(log.lines.splice(0)).toMatchObject([
      {
        ...about,
        msg: expect.stringMatching(/^Refused with 401 unauthorized: The request has no API key/),
        reason: 'unauthorized',
        count: 1,
        requestId: 'one',
      },
      { ...about, msg: 'Refused with 503 overloaded: no room', reason: 'overloaded', count: 1 },
    ]);
    jest.advanceTimersByTime(10_000);
    const later = {
      ...about,
      msg: 'Refused with 401 unauthorized: 2 more in 10 s',
      reason: 'unauthorized',
      count: 2,
      requestId: 'two',
    };
    expect(log.lines.splice(0)).toMatchObject([later]);
    refusals.count('unauthorized', request('five'));
    expect(log.lines).toEqual([]);
    jest.advanceTimersByTime(10_000);
    expect(log.lines.splice(0)).toMatchObject([{ count: 1, requestId: 'five' }]);
    jest.advanceTimersByTime(10_000);
    refusals.count('unauthorized', request('six'));
    expect(log.lines).toMatchObject([{ count: 1, requestId: 'six' }]);
    expect(Object.fromEntries(refusals.counts)).toEqual({ unauthorized: 5, overloaded: 1 });
  });

  test('are told of before the service ends, and leave no timer', () => {
    for (const id of ['one', 'two']) refusals.count('not-found', request(id));
    refusals.onApplicationShutdown();
    expect(log.lines).toMatchObject([{ count: 1 }, { count: 1, requestId: 'two' }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('keep what callers have sent short, and secrets out of the log', () => {
    refusals.count('not-found', request('one', `/${'x'.repeat(5_000)}`));
    refusals.count('unauthorized', request('two'));
    expect(JSON.stringify(log.lines)).not.toContain('secret');
    expect(JSON.stringify(log.lines).length).toBeLessThan(1_000);
  });

  test('are no outcomes of runs, and no errors that the log has anyway', () => {
    for (const code of ['run-failed', 'run-cancelled', 'run-disputed', 'deadline-exceeded'] as const)
      refusals.count(code, request('one'));
    refusals.count('internal-error', request('two'));
    expect(log.lines).toEqual([]);
    expect([...refusals.counts]).toEqual([['internal-error', 1]]);
  });
});
