import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HttpSubTask } from '../../../src/upstreams/http-sub-task.js';
import { CERTIFICATE } from '../../support/certificate.js';
import { Caller } from '../../support/http-sub-task.js';
import { json, type UpstreamServer } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  let caller: Caller;
  beforeEach(async () => void (caller = await Caller.create()));
  afterEach(() => caller.close());

  const http2 = { tls: { ca: CERTIFICATE }, http2: true };

  describe('a kept connection that the upstream closes', () => {
    const ends: Readonly<Record<string, (socket: Socket) => void>> = {
      'with its end': (socket) => void socket.end(),
      'with a reset': (socket) => void socket.resetAndDestroy(),
    };

    /** Answers the first request of a connection, and does something else with the second. */
    const onceEach = (second: (socket: Socket) => void): RequestListener => {
      const answered = new WeakSet<Socket>();
      return (request, response) => {
        if (answered.has(request.socket)) second(request.socket);
        else json(1)(request, response);
        answered.add(request.socket);
      };
    };

    /** Calls once, and waits until the connection is free again. */
    const warmUp = async (server: UpstreamServer, options: object = {}) => {
      const subTask = caller.subTask({ url: `${server.origin}/`, ...options });
      await caller.call(subTask);
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      return subTask;
    };

    test.each(
      Object.entries(ends).flatMap(([how, end]) =>
        ['GET', 'PUT', 'DELETE'].map((method) => [how, method, end] as const),
      ),
    )('%s under a %s costs no attempt: it is sent once more, on a new one', async (_how, method, end) => {
      const server = await caller.serve(onceEach(end));
      const subTask = await warmUp(server, { method });
      expect(await caller.call(subTask)).toBe(1);
      expect([server.requests.length, server.connections]).toEqual([3, 2]);
    });

    test.each(Object.entries(ends))('%s under a POST is a failure', async (_how, end) => {
      const server = await caller.serve(onceEach(end));
      const subTask = await warmUp(server, { method: 'POST' });
      expect((await caller.failure(subTask)).options.code).toBe('upstream-unreachable');
      expect([server.requests.length, server.connections]).toEqual([2, 1]);
    });

    test('costs no attempt after a reload either, which keeps the connection and the thread of expressions', async () => {
      const server = await caller.serve(onceEach((socket) => socket.end()));
      await warmUp(server);
      const reloaded = caller.upstreams.anew();
      const subTask = new HttpSubTask({ url: `${server.origin}/`, allowPrivate: true }, reloaded, {});
      reloaded.claim();
      caller.upstreams.release();
      expect(await caller.call(subTask)).toBe(1);
      expect([server.requests.length, server.connections]).toEqual([3, 2]);
      expect(reloaded.expressions).toBe(caller.upstreams.expressions);
    });

    test('costs no attempt where HTTP/2 is wanted and HTTP/1.1 is spoken', async () => {
      const server = await caller.serve(
        onceEach((socket) => socket.destroy()),
        'https',
      );
      caller.upstreams.configure(server.origin, http2);
      expect(await caller.call(await warmUp(server))).toBe(1);
    });

    test('is a failure over HTTP/2', async () => {
      const server = await caller.serve((request, response) => {
        if (server.requests.length === 1) json(1)(request, response);
        else server.dropConnections();
      }, 'h2');
      caller.upstreams.configure(server.origin, http2);
      expect((await caller.failure(await warmUp(server))).options.code).toBe('upstream-unreachable');
      expect(server.requests).toHaveLength(2);
    });

    test('in the middle of the answer is a failure', async () => {
      const server = await caller.serve(onceEach((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-')));
      expect((await caller.failure(await warmUp(server))).options.code).toBe('upstream-unreachable');
      expect(server.requests).toHaveLength(2);
    });

    test('is a failure where the new one is closed too, and where it was the first request', async () => {
      let calls = 0;
      const server = await caller.serve((request, response) => {
        if (calls++ === 0) json(1)(request, response);
        else request.socket.end();
      });
      const subTask = await warmUp(server);
      expect((await caller.failure(subTask)).options.code).toBe('upstream-unreachable');
      expect(server.requests).toHaveLength(3);
      expect((await caller.failure(subTask)).options.code).toBe('upstream-unreachable');
      expect(server.requests).toHaveLength(4);
    });
  });

  describe('an unsolicited 100 Continue', () => {
    const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}';

    test.each([
      ['in one piece', (text: string) => [text]],
      ['byte by byte', (text: string) => Array.from(text)],
    ])('is ignored %s, also twice and with headers', async (_how, pieces) => {
      const texts = ['', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 100 Continue\r\nserver: x\r\n\r\n'];
      const answers = [...texts, texts[1]! + texts[2]!].map((before) => before + ANSWER);
      const expected = answers.length;
      const server = await caller.serveRaw((socket) => {
        socket.setNoDelay(true);
        socket.on('data', () => {
          void (async () => {
            for (const piece of pieces(answers.shift() ?? '')) {
              socket.write(piece);
              await nextTurn();
            }
          })();
        });
      });
      const subTask = caller.subTask({ url: `${server.origin}/` });
      for (let n = 0; n < expected; n += 1) expect(await caller.call(subTask)).toEqual({ a: 1 });
    });

    test('is ignored right before a large answer', async () => {
      const large = `"${'x'.repeat(50_000)}"`;
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${large.length}\r\n\r\n`;
      const server = await caller.serveRaw((socket) => {
        socket.once('data', () => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${head}${large}`));
      });
      expect(await caller.call({ url: `${server.origin}/` })).toHaveLength(50_000);
    });

    test('without an answer is a failure', async () => {
      const server = await caller.serveRaw((socket) => {
        socket.once('data', () => socket.end('HTTP/1.1 100 Continue\r\n\r\n'));
      });
      expect((await caller.failure({ url: `${server.origin}/` })).options.code).toBe('upstream-unreachable');
    });

    test('that has no end is given up', async () => {
      const server = await caller.serveRaw((socket) => {
        socket.once('data', () => socket.write(`HTTP/1.1 100 Continue\r\nx: ${'x'.repeat(10_000)}\r\n\r\n`));
      });
      expect((await caller.failure({ url: `${server.origin}/` })).options.code).toBe('upstream-unreachable');
    });
  });
});
