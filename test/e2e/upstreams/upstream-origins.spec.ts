import { Socket, type LookupFunction } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Attempt } from '../../../src/run/attempt.js';
import { HttpSubTask } from '../../../src/upstreams/http-sub-task.js';
import { CERTIFICATE } from '../../support/certificate.js';
import { Caller } from '../../support/http-sub-task.js';
import { json, type UpstreamServer } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  /** What the resolver answers, in turn; the last again and again. */
  let answers: readonly (readonly string[])[];
  let asked: string[];
  let caller: Caller;

  const lookup: LookupFunction = (hostname, options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    process.nextTick(() => {
      if (options.all) callback(null, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    });
  };

  beforeEach(async () => {
    answers = [['127.0.0.1']];
    asked = [];
    caller = await Caller.create(lookup);
  });
  afterEach(() => caller.close());

  /** The origin of a server under a name. */
  const named = ({ origin }: UpstreamServer, name = 'upstream.example') => origin.replace('127.0.0.1', name);

  /** The addresses that sockets were about to connect to; they are stopped before they do. */
  async function connectionsOf(call: () => Promise<unknown>): Promise<string[]> {
    const addresses: string[] = [];
    const connect = jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (
      this: Socket,
      ...args
    ) {
      connect.mockRestore();
      this.once('lookup', (_error, address) => {
        addresses.push(address);
        this.destroy(new Error('stopped by the test'));
      });
      return this.connect(...args);
    });
    await call();
    return addresses;
  }

  const guarded = (url: string) => ({ url, allowPrivate: false });

  describe('the address of an upstream', () => {
    const refusal = { code: 'upstream-forbidden', retry: false };

    test.each([
      [['127.0.0.1']],
      [['::1']],
      [['10.0.0.1', '169.254.169.254']],
      [['::ffff:127.0.0.1']],
      [['64:ff9b::7f00:1']],
      [['fd00::1', '192.168.0.1', 'fe80::1']],
    ])('is refused when the resolver finds %j, before there is a connection', async (addresses) => {
      const server = await caller.serve(json(1));
      answers = [addresses];
      const { options, message } = await caller.failure(guarded(`${named(server)}/`));
      expect(options).toEqual(refusal);
      expect(message).toBe(
        `${named(server)} is not called: upstream.example (${addresses.join(', ')}) is no public address; allowPrivate: true allows it`,
      );
      expect(server.connections).toBe(0);
    });

    test('is checked anew at each connection, whatever the resolver said before', async () => {
      const server = await caller.serve(json(1));
      answers = [['93.184.215.14'], ['127.0.0.1']];
      const subTask = caller.subTask(guarded(`${named(server)}/`));
      const tried = await connectionsOf(() => caller.failure(subTask));
      expect(tried).toEqual(['93.184.215.14']);
      expect((await caller.failure(subTask)).options).toEqual(refusal);
      expect(asked).toHaveLength(2);
      expect(server.connections).toBe(0);
    });

    test('is none of the private ones among several', async () => {
      const server = await caller.serve(json(1));
      answers = [['127.0.0.1', '93.184.215.14', '::1', '2606:2800:21f::1']];
      const tried = await connectionsOf(() => caller.failure(guarded(`${named(server)}/`)));
      expect(tried).toEqual(['93.184.215.14']);
    });

    test('is one that allowPrivate allows, for that origin alone', async () => {
      const [open, closed] = [await caller.serve(json('open')), await caller.serve(json('closed'))];
      expect(await caller.call({ url: `${named(open)}/` })).toBe('open');
      expect((await caller.failure(guarded(`${named(closed)}/`))).options).toEqual(refusal);
      expect(closed.connections).toBe(0);
    });

    test.each(['127.0.0.1', '0x7f.1', '2130706433', '[::ffff:127.0.0.1]', '①②⑦.0.0.1'])(
      'is refused when %s stands in the URL, also without the check of the schema',
      async (host) => {
        const server = await caller.serve(json(1));
        const subTask = new HttpSubTask({ url: `${named(server, host)}/` }, caller.upstreams, {});
        expect((await caller.failure(subTask)).options).toEqual(refusal);
        expect(server.connections).toBe(0);
        expect(asked).toEqual([]);
      },
    );

    test.each(['http:', 'https:'])(
      'is checked once more on the socket, before a byte of %s is sent',
      async (scheme) => {
        const server = await caller.serve(json(1));
        // Another address than the one that was looked up.
        const connect = jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket) {
          connect.mockRestore();
          return this.connect(Number(new URL(server.origin).port), '127.0.0.1');
        });
        const url = `${named(server).replace('http:', scheme)}/`;
        expect((await caller.failure(guarded(url))).options).toEqual(refusal);
        await server.until(() => server.connections === 1);
        await server.deserted();
        expect(server.bytesReceived).toBe(0);
      },
    );
  });

  describe('an upstream behind TLS', () => {
    const before = tls.getCACertificates('default');
    afterEach(() => {
      tls.setDefaultCACertificates(before);
    });

    test('is called when its certificate is trusted, by its name and over HTTP/1.1', async () => {
      tls.setDefaultCACertificates([...before, CERTIFICATE]);
      const server = await caller.serve((request, response) => {
        const { alpnProtocol, servername } = request.socket as tls.TLSSocket;
        response.end(`${String(alpnProtocol)} ${String(servername)} ${request.headers.host ?? ''}`);
      }, 'https');
      const url = named(server, 'upstream.test');
      expect(await caller.call({ url: `${url}/` })).toBe(`http/1.1 upstream.test ${url.slice(8)}`);
    });

    test('is not when it is not trusted, or is another’s', async () => {
      const server = await caller.serve(json(1), 'https');
      const untrusted = await caller.failure({ url: `${server.origin}/` });
      expect(untrusted.options).toEqual({ code: 'upstream-unreachable' });
      expect(untrusted.message).toContain('self-signed certificate');
      tls.setDefaultCACertificates([...before, CERTIFICATE]);
      const another = await caller.failure({ url: `${named(server, 'another.test')}/` });
      expect(another.message).toContain('does not match certificate');
      expect(server.requests).toEqual([]);
    });
  });

  describe('a name that no resolver answers', () => {
    beforeEach(async () => {
      await caller.close();
      caller = await Caller.create(() => undefined);
    });

    test('holds neither an attempt that is given up nor the stop of the service', async () => {
      const subTask = caller.subTask({ url: 'http://upstream.example/' });
      const { promise, resolve } = Promise.withResolvers<Attempt>();
      const givenUp = caller.failure(subTask, { begun: resolve });
      (await promise).giveUp();
      expect((await givenUp).options.code).toBe('upstream-unreachable');
      const cutOff = caller.failure(subTask);
      await caller.close();
      expect((await cutOff).options.code).toBe('upstream-unreachable');
    });
  });
});
