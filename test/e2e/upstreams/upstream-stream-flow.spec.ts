import { getEventListeners } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { constants, createGzip, gunzip, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Attempt } from '../../../src/run/attempt.js';
import { CERTIFICATE } from '../../support/certificate.js';
import { Caller } from '../../support/http-sub-task.js';
import { stream, streaming, type SentStream } from '../../support/http-streams.js';
import { misbehaviours, type Protocol } from '../../support/upstreams.js';

/** What a connection brings at most before it waits: what is kept unread, what it brings at a time, and what a decoder has. */
const MOST_UNREAD = 100_000;

const gunzipped = promisify(gunzip);
const ONE_BYTE = gzipSync('x');

describe('HTTP sub-tasks that stream', () => {
  let caller: Caller;
  beforeEach(async () => void (caller = await Caller.create()));
  afterEach(() => caller.close());

  /** Opens a stream whose body the test sends. */
  const opened = async (options: object = {}, protocol: Protocol = 'http', headers = {}) => {
    const sent = Promise.withResolvers<SentStream>();
    const server = await caller.serve(
      streaming(sent.resolve, { 'content-type': 'text/event-stream', ...headers }),
      protocol,
    );
    if (protocol === 'h2')
      caller.upstreams.configure(server.origin, { tls: { ca: CERTIFICATE }, http2: true });
    let attempt: Attempt | undefined;
    const begun = (one: Attempt) => {
      attempt = one;
    };
    const url = `${server.origin}/`;
    const chunks = await caller.open({ url, stream: 'sse', ...options }, { begun });
    const first = chunks.next();
    const { send, response } = await sent.promise;
    return { server, chunks, first, send, response, attempt: attempt!, url };
  };

  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await nextTurn();
  };

  describe.each<[string, Protocol, boolean]>([
    ['HTTP/1.1', 'http', false],
    ['HTTP/2', 'h2', false],
    ['HTTP/1.1, compressed', 'http', true],
  ])('over %s', (_what, protocol, isCompressed) => {
    test('let the upstream wait while nobody reads, keep little, and lose nothing', async () => {
      const headers = isCompressed ? { 'content-encoding': 'gzip' } : {};
      const { first, chunks, response } = await opened({ stream: 'ndjson' }, protocol, headers);
      const body = `1\n${`"${'x'.repeat(998)}"\n`.repeat(8_000)}`;
      response.end(isCompressed ? gzipSync(body) : body);
      expect(await first).toEqual({ done: false, value: 1 });
      let most = 0;
      for (let turn = 0; turn < 500; turn += 1) {
        // As long as a decompression takes to bring more.
        await gunzipped(ONE_BYTE);
        await nextTurn();
        most = Math.max(most, caller.upstreams.memory.used);
      }
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThan(MOST_UNREAD);
      let count = 0;
      for await (const chunk of chunks) count += (chunk as string).length === 998 ? 1 : 0;
      expect(count).toBe(8_000);
      expect(caller.upstreams.memory.used).toBe(0);
    });
  });

  test.each<Protocol>(['http', 'h2'])(
    'fail when the body is reset midway, behind what came before: %s',
    async (protocol) => {
      const { first, chunks, send, response } = await opened({}, protocol);
      await send('data: a\n\n');
      expect(await first).toEqual({ done: false, value: 'a' });
      await send('data: b\n\n');
      while (caller.upstreams.memory.used === 0) await nextTurn();
      if (protocol === 'h2') (response as unknown as { stream: ServerHttp2Stream }).stream.close(8);
      else response.destroy();
      // It is noticed before anybody reads on.
      await turns(20);
      expect(await chunks.next()).toEqual({ done: false, value: 'b' });
      const rest = chunks.next();
      await expect(rest).rejects.toMatchObject({
        message: expect.stringContaining('answered 200, but its body broke off after 18 bytes'),
        options: { code: 'upstream-unfit', upstream: { status: 200, excerpt: '' } },
      });
    },
  );

  test('fail when the body is shorter than it said', async () => {
    const server = await caller.serve(misbehaviours.longContentLength);
    const { chunks, failure } = await caller.read({ url: `${server.origin}/`, stream: 'bytes' });
    expect(chunks).toEqual(['{}']);
    expect(failure?.message).toContain('its body broke off after 2 bytes');
  });

  test('bring what a compressed stream has flushed', async () => {
    const { first, response, chunks } = await opened({}, 'http', { 'content-encoding': 'gzip' });
    const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
    gzip.pipe(response);
    gzip.write('data: a\n\n');
    expect(await first).toEqual({ done: false, value: 'a' });
    gzip.end('data: b\n\n');
    expect(await chunks.next()).toEqual({ done: false, value: 'b' });
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
  });

  describe('whose reader leaves', () => {
    test.each<[string, Protocol]>([
      ['HTTP/1.1', 'http'],
      ['HTTP/2', 'h2'],
    ])('close their connection, or stream, while they wait for a chunk: %s', async (_what, protocol) => {
      const { first, chunks, send, response, attempt } = await opened({}, protocol);
      await send('data: a\n\n');
      await first;
      const closed = new Promise((resolve) => response.on('close', resolve));
      const next = chunks.next();
      attempt.giveUp();
      await expect(next).rejects.toThrow('The attempt was cancelled');
      await chunks.return?.();
      await closed;
      expect(getEventListeners(attempt.signal, 'abort')).toEqual([]);
    });

    test('close it while they wait for the status', async () => {
      const server = await caller.serve(misbehaviours.slowHeaders);
      let attempt: Attempt | undefined;
      const chunks = await caller.open(
        { url: `${server.origin}/`, stream: 'sse' },
        { begun: (begun) => (attempt = begun) },
      );
      const next = chunks.next();
      await server.until(() => server.requests.length === 1);
      attempt?.giveUp();
      await expect(next).rejects.toThrow('The attempt was cancelled');
      await server.deserted();
    });

    test('close it while something is unread, and keep none of it', async () => {
      const { first, chunks, server, send } = await opened();
      await send('data: a\n\n');
      await first;
      await send(`data: ${'b'.repeat(50_000)}\n\n`);
      while (caller.upstreams.memory.used === 0) await nextTurn();
      await chunks.return?.();
      await server.deserted();
      expect(caller.upstreams.memory.used).toBe(0);
    });

    test('close it when the attempt is given up', async () => {
      const { first, chunks, server, send, attempt } = await opened();
      await send(`data: a\n\n`);
      await first;
      await send(`data: ${'b'.repeat(50_000)}\n\n`);
      while (caller.upstreams.memory.used === 0) await nextTurn();
      attempt.giveUp();
      await server.deserted();
      expect(caller.upstreams.memory.used).toBe(0);
      await expect(chunks.next()).rejects.toThrow('The attempt was cancelled');
    });
  });

  describe('that have come to their end', () => {
    test('keep their connection', async () => {
      const server = await caller.serve(stream(['data: a\n\n']));
      const subTask = caller.subTask({ url: `${server.origin}/`, stream: 'sse' });
      for (let call = 0; call < 3; call += 1) {
        expect((await caller.read(subTask)).chunks).toEqual(['a']);
        await turns(20);
      }
      expect(server.connections).toBe(1);
    });

    test('keep it where the body ends right behind the frame that ends the stream', async () => {
      const sent: SentStream[] = [];
      const server = await caller.serve(
        streaming((one) => {
          sent.push(one);
          void one.send('data: a\n\ndata: end\n\n');
        }),
      );
      const subTask = caller.subTask({ url: `${server.origin}/`, stream: 'sse', end: 'end' });
      for (let call = 0; call < 3; call += 1) {
        const chunks = await caller.open(subTask);
        expect(await chunks.next()).toEqual({ done: false, value: 'a' });
        expect(await chunks.next()).toEqual({ done: true, value: undefined });
        await chunks.return?.();
        const ended = new Promise((resolve) => sent.at(-1)!.response.on('close', resolve));
        await turns(20);
        sent.at(-1)!.response.end(': the last\n\n');
        await ended;
        await turns(20);
      }
      expect(server.connections).toBe(1);
    });

    test('close it where the upstream has more to say', async () => {
      const { first, chunks, send, server } = await opened({ end: 'end' });
      await send('data: a\n\ndata: end\n\n');
      await first;
      expect((await chunks.next()).done).toBe(true);
      await send(`: ${'x'.repeat(20_000)}\n\n`);
      await server.deserted();
    });
  });

  describe('are measured and traced to their end', () => {
    test.each([
      ['complete', ({ response }: { response: ServerResponse }) => void response.end(), undefined],
      [
        'broken off',
        ({ response }: { response: ServerResponse }) => void response.destroy(),
        'upstream-unfit',
      ],
      ['cancelled', ({ attempt }: { attempt: Attempt }) => attempt.giveUp(), 'cancelled'],
      ['out of time', ({ attempt }: { attempt: Attempt }) => attempt.giveUp('TimeoutError'), 'timeout'],
    ])('when they are %s', async (_how, end, error) => {
      const calls = caller.heard();
      const { first, chunks, ...opening } = await opened();
      await opening.send('data: a\n\n');
      await first;
      await turns(10);
      expect(calls).toEqual([]);
      end(opening);
      await chunks.next().catch(() => undefined);
      await turns(1);
      const { origin } = opening.server;
      expect(calls).toEqual([{ method: 'GET', origin, tookMs: expect.any(Number), status: 200, error }]);
    });
  });
});
