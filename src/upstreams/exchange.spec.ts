import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { MemoryBudget } from '../core/memory-budget.js';
import { Decompression } from './decompression.js';
import { exchange } from './exchange.js';
import type { Upstream } from './upstreams.js';
import { useFakeClock } from '../../test/support/fake-clock.js';

const GZIP = { 'content-encoding': 'gzip' };
const ZEROS = gzipSync(Buffer.alloc(10 * 2 ** 20));

/** An exchange whose upstream says what the test does. */
function exchanging(
  status: number,
  headers: Readonly<Record<string, string>> = GZIP,
  memory = new MemoryBudget(),
  streams?: () => boolean,
) {
  const controller = { abort: jest.fn(), pause: jest.fn(), resume: jest.fn() };
  let handler: Required<Dispatcher.DispatchHandler> | undefined;
  const upstream = {
    memory,
    dispatch: (_request: unknown, given: unknown) => {
      handler = given as Required<Dispatcher.DispatchHandler>;
      handler.onRequestStart(controller as unknown as Dispatcher.DispatchController, {});
      handler.onResponseStart(controller as unknown as Dispatcher.DispatchController, status, headers);
    },
  };
  const aborting = new AbortController();
  const terms = { maxBytes: 100 * 2 ** 20, accepts: (given: number) => given === 200, streams };
  const request = { method: 'GET' as const, path: '/' };
  const response = exchange(upstream as unknown as Upstream, request, terms, aborting.signal);
  const data = (chunk: Buffer) =>
    handler?.onResponseData(controller as unknown as Dispatcher.DispatchController, chunk);
  const end = () => handler?.onResponseEnd(controller as unknown as Dispatcher.DispatchController, {});
  return { response, controller, aborting, data, end };
}

describe('exchange', () => {
  beforeEach(() => {
    useFakeClock();
  });
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

  describe('while memory is short', () => {
    const PLAIN = {};
    const CHUNK = Buffer.alloc(60_000);

    test.each([
      ['as it is', PLAIN, CHUNK],
      ['compressed', GZIP, gzipSync(CHUNK)],
    ])(
      'reads on when others give some back, and gives all of its own back: %s',
      async (_how, headers, chunk) => {
        const memory = new MemoryBudget(400_000);
        memory.take(290_000);
        const { response, controller, data, end } = exchanging(200, headers, memory);
        data(chunk);
        while (memory.used < 350_000) await nextTurn();
        expect(controller.pause).toHaveBeenCalledTimes(1);
        memory.give(50_000);
        expect(controller.resume).not.toHaveBeenCalled();
        memory.give(100_000);
        expect(controller.resume).toHaveBeenCalledTimes(1);
        end();
        expect((await response).body).toHaveLength(60_000);
        expect(memory.used).toBe(140_000);
      },
    );

    test('waits for none once it is given up', async () => {
      const memory = new MemoryBudget(400_000);
      memory.take(290_000);
      const { response, controller, aborting, data } = exchanging(200, PLAIN, memory);
      data(CHUNK);
      aborting.abort(new Error('given up'));
      await expect(response).rejects.toThrow('given up');
      memory.give(290_000);
      expect(memory.used).toBe(0);
      expect(controller.resume).not.toHaveBeenCalled();
    });
  });

  test('stops decompressing when it is given up', async () => {
    const stop = jest.spyOn(Decompression.prototype, 'destroy');
    const { response, aborting, data } = exchanging(200);
    data(ZEROS);
    aborting.abort(new Error('given up'));
    await expect(response).rejects.toThrow('given up');
    expect(stop).toHaveBeenCalledTimes(1);
  });

  describe('with a stream', () => {
    const PLAIN = {};
    const streamed = async (memory = new MemoryBudget()) => {
      const { response, ...others } = exchanging(200, PLAIN, memory, () => true);
      return { body: (await response).stream!, memory, ...others };
    };
    const piece = (length: number) => Buffer.alloc(length);

    test('lets the upstream wait once 16 KiB are unread, until less are', async () => {
      const { body, controller, data, memory } = await streamed();
      data(piece(16_000));
      expect(controller.pause).not.toHaveBeenCalled();
      data(piece(384));
      expect(controller.pause).toHaveBeenCalledTimes(1);
      expect(memory.used).toBe(16_384);
      data(piece(1_000));
      expect(controller.resume).not.toHaveBeenCalled();
      await body.next();
      expect(controller.resume).toHaveBeenCalledTimes(1);
      data(piece(16_384));
      expect(controller.pause).toHaveBeenCalledTimes(2);
      await body.return();
      expect(memory.used).toBe(0);
    });

    test('lets it wait for each piece to be read while memory is short', async () => {
      const memory = new MemoryBudget(1_000);
      memory.take(750);
      const { body, controller, data } = await streamed(memory);
      const first = body.next();
      data(piece(1));
      expect(controller.pause).not.toHaveBeenCalled();
      expect((await first).value).toHaveLength(1);
      data(piece(1));
      expect(controller.pause).toHaveBeenCalledTimes(1);
      await body.next();
      expect(controller.resume).toHaveBeenCalledTimes(1);
      await body.return();
    });

    test('waits half a second for the end of one that is left at its end', async () => {
      const { body, controller, data, aborting } = await streamed();
      data(piece(20_000));
      body.leaveAtEnd();
      expect(controller.resume).toHaveBeenCalledTimes(1);
      aborting.abort();
      await jest.advanceTimersByTimeAsync(499);
      expect(controller.abort).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1);
      expect(controller.abort).toHaveBeenCalledTimes(1);
      expect(await body.next()).toEqual({ done: true, value: undefined });
      expect(jest.getTimerCount()).toBe(0);
    });

    test('keeps the connection of one that is left at its end and ends', async () => {
      const { body, controller, data, end } = await streamed();
      body.leaveAtEnd();
      data(piece(16_000));
      end();
      await nextTurn();
      expect(controller.abort).not.toHaveBeenCalled();
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});
