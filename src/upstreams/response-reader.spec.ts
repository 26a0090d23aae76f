import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { Decompression } from './decompression.js';
import { exchange } from './response-reader.js';
import type { Upstream } from './upstreams.js';

const GZIP = { 'content-encoding': 'gzip' };
const ZEROS = gzipSync(Buffer.alloc(10 * 2 ** 20));

/** An exchange whose upstream says what the test does. */
function exchanging(status: number, headers: Readonly<Record<string, string>> = GZIP) {
  const controller = { abort: jest.fn(), pause: jest.fn(), resume: jest.fn() };
  let handler: Required<Dispatcher.DispatchHandler> | undefined;
  const upstream = {
    dispatch: (_request: unknown, given: unknown) => {
      handler = given as Required<Dispatcher.DispatchHandler>;
      handler.onRequestStart(controller as unknown as Dispatcher.DispatchController, {});
      handler.onResponseStart(controller as unknown as Dispatcher.DispatchController, status, headers);
    },
  };
  const aborting = new AbortController();
  const terms = { maxBytes: 100 * 2 ** 20, accepts: (given: number) => given === 200 };
  const request = { method: 'GET' as const, path: '/' };
  const response = exchange(upstream as unknown as Upstream, request, terms, aborting.signal);
  const data = (chunk: Buffer) =>
    handler?.onResponseData(controller as unknown as Dispatcher.DispatchController, chunk);
  const end = () => handler?.onResponseEnd(controller as unknown as Dispatcher.DispatchController, {});
  return { response, controller, aborting, data, end };
}

describe('exchange', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  test('reads no more of a compressed error than its excerpt', async () => {
    const { response, controller, data } = exchanging(500);
    data(ZEROS.subarray(0, 5_000));
    expect((await response).body).toHaveLength(2_000);
    await nextTurn();
    expect(controller.abort).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('waits half a second for an error that is stuck, and leaves no timer', async () => {
    const { response, controller, data } = exchanging(500, {});
    data(Buffer.from('the beginning'));
    await jest.advanceTimersByTimeAsync(499);
    expect(controller.abort).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect((await response).body.toString()).toBe('the beginning');
    expect(controller.abort).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('lets the upstream wait while a body is decompressed', async () => {
    const { response, controller, data, end } = exchanging(200);
    const resumed = new Promise<void>((resolve) => controller.resume.mockImplementation(() => resolve()));
    data(gzipSync(randomBytes(200_000)));
    expect(controller.pause).toHaveBeenCalledTimes(1);
    await resumed;
    end();
    expect((await response).body).toHaveLength(200_000);
    expect(controller.abort).not.toHaveBeenCalled();
  });

  test('stops decompressing when it is given up', async () => {
    const stop = jest.spyOn(Decompression.prototype, 'destroy');
    const { response, aborting, data } = exchanging(200);
    data(ZEROS);
    aborting.abort(new Error('given up'));
    await expect(response).rejects.toThrow('given up');
    expect(stop).toHaveBeenCalledTimes(1);
  });
});
