import { once } from 'node:events';
import { get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Express } from 'express';
import { FastExpressAdapter } from './express-adapter.js';

describe('FastExpressAdapter and its stop', () => {
  afterEach(() => void jest.restoreAllMocks());

  test('Express finds requests and responses with the prototypes that it would give them', async () => {
    const adapter = new FastExpressAdapter();
    adapter.initHttpServer();
    adapter.getInstance<Express>().get('/', (_request, response) => {
      response.json({ methods: 'are there' });
    });
    const server = adapter.getHttpServer() as Server;
    await once(server.listen(0, '127.0.0.1'), 'listening');

    const changes: boolean[] = [];
    const setPrototypeOf = Object.setPrototypeOf.bind(Object) as (
      target: object,
      prototype: unknown,
    ) => object;
    jest.spyOn(Object, 'setPrototypeOf').mockImplementation((target: object, prototype) => {
      changes.push(Object.getPrototypeOf(target) !== prototype);
      return setPrototypeOf(target, prototype);
    });
    const { port } = server.address() as AddressInfo;
    const request = get({ port, host: '127.0.0.1', agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const body = await text(response);
    await adapter.close();
    expect(body).toBe('{"methods":"are there"}');
    expect(changes).toEqual([false, false]);
  });

  test('what no handler has answered is a problem document', async () => {
    const adapter = new FastExpressAdapter();
    adapter.initHttpServer();
    adapter.getInstance<Express>().get('/broken', () => {
      throw new Error('as an example');
    });
    const server = adapter.getHttpServer() as Server;
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = async (path: string) => {
      const request = get({ port, path, host: '127.0.0.1', agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return { type: response.headers['content-type'], body: JSON.parse(await text(response)) as unknown };
    };
    const answers = [await answer('http://['), await answer('/broken')];
    await adapter.close();
    const type = 'application/problem+json; charset=utf-8';
    expect(answers).toMatchObject([
      { type, body: { type: '/problems/bad-request', status: 400, instance: 'http://[' } },
      { type, body: { type: '/problems/internal-error', status: 500, instance: '/broken' } },
    ]);
  });
});
