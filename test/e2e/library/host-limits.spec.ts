import { Agent, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import express from 'express';
import supertest from 'supertest';
import { FrontrunnerModule, type FrontrunnerOptions } from '../../../src/index.js';
import { refuseMissing } from '../../../src/library/missing-package.js';
import { CapturedLog } from '../../support/captured-log.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { activeResources, expectNothingLeft } from '../../support/resources.js';
import { StreamReader } from '../../support/stream-reader.js';
import { adapterOf, Auth } from './guarded-host.js';

/** An answer that has begun, on a connection that is kept alive. */
function get(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { agent: new Agent({ keepAlive: true }) }, resolve)
      .on('error', reject)
      .end();
  });
}

const echo = inlineTask('echo', { only: { run: (input) => input } });

describe.each(['express', 'fastify'] as const)('the stop of an application, with %s,', (name) => {
  test('answers who waits, ends streams, and refuses what comes meanwhile', async () => {
    const race = new ControlledTask('race', { fast: {}, slow: {} });
    const resources = await activeResources();
    const module = await Test.createTestingModule({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:', http: true })],
      providers: race.providers,
    })
      .setLogger(new CapturedLog())
      .compile();
    const host = module.createNestApplication(adapterOf[name]());
    await host.listen(0, '127.0.0.1');
    const server = host.getHttpServer() as Server;
    server.keepAliveTimeout = 0;
    const rest = Promise.withResolvers<undefined>();
    server.prependListener('request', ({ url }: IncomingMessage, response: ServerResponse) => {
      const end = response.end.bind(response) as () => void;
      if (url!.endsWith('/main.js'))
        response.end = () => {
          rest.promise.then(end, end);
          return response;
        };
    });
    const url = `${await host.getUrl()}/frontrunner`;
    const waiting = fetch(`${url}/tasks/race/runs`, { method: 'POST' });
    const file = await get(`${url}/ui/main.js`);
    const reader = await StreamReader.open(`${url}/events`);
    const { fast, slow } = await race.all();
    const closed = host.close();
    await reader.ended;
    const refused = await fetch(`${url}/tasks/race/runs`, { method: 'POST' });
    expect([refused.status, refused.headers.get('Connection')]).toEqual([503, 'close']);
    expect(await refused.json()).toMatchObject({ type: '/frontrunner/problems/stopping' });
    fast.succeed('in time');
    slow.succeed();
    const answered = await waiting;
    expect([answered.status, answered.headers.get('Connection')]).toEqual([200, 'close']);
    expect(await answered.json()).toMatchObject({ result: 'in time' });
    while (server.listening) await setImmediate();
    rest.resolve(undefined);
    expect(await text(file)).toContain('import');
    await closed;
    await expectNothingLeft(resources);
  });
});

describe('an HTTP face that can’t be', () => {
  const compile = (options: FrontrunnerOptions) =>
    Test.createTestingModule({ imports: [FrontrunnerModule.forRoot({ database: 'memory:', ...options })] })
      .setLogger(new CapturedLog())
      .compile();

  test('is refused in an application without HTTP, which the message says', async () => {
    const module = await compile({ http: true });
    await expect(module.init()).rejects.toThrow(
      /http needs an application with the Express or the Fastify adapter.*leave http out/,
    );
  });

  test.each(['', '/', 'a//b', 'a b', ':id', '*', 'a?b'])('is refused at the path %j', (path) => {
    expect(() => FrontrunnerModule.forRoot({ http: { path } })).toThrow(
      /http\.path is .*such as frontrunner/,
    );
  });

  test('is refused where a guard needs what its module has not', async () => {
    const module = await compile({ http: { guards: [Auth] } });
    await expect(module.createNestApplication(new ExpressAdapter()).init()).rejects.toThrow(
      /dependencies of the Auth/,
    );
  });

  test('is none where the application sets up parsers of bodies behind NestFactory.create', async () => {
    @Module({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:', http: true })],
      providers: [...echo],
    })
    class HostModule {}
    const host = await NestFactory.create(HostModule, { logger: new CapturedLog(), abortOnError: false });
    host.use(express.json());
    await host.listen(0, '127.0.0.1');
    const sent = supertest(await host.getUrl())
      .post('/frontrunner/tasks/echo/runs')
      .type('application/json');
    const { text } = await sent.send('{"input":175928847299117063}').expect(200);
    expect(text).toContain('"result":175928847299117063');
    await host.close();
  });

  test('says in the log why it can’t read a body that the host has read before', async () => {
    const log = new CapturedLog();
    const server = express();
    server.use(express.json());
    const module = await Test.createTestingModule({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:', http: true })],
      providers: echo,
    })
      .setLogger(log)
      .compile();
    const host = module.createNestApplication(new ExpressAdapter(server));
    await host.listen(0, '127.0.0.1');
    const url = await host.getUrl();
    await supertest(url).get('/frontrunner/tasks').expect(200);
    await supertest(url)
      .post('/frontrunner/tasks/echo/runs')
      .send({ input: 1 })
      .expect(500, /internal-error/);
    expect(log.lines).toContainEqual(
      expect.objectContaining({
        msg: expect.stringContaining('has read the body of a request below /frontrunner'),
      }),
    );
    await host.close();
  });

  test.each(['frontrunner', 'frontrunner/orders'])(
    'refuses two instances of which one is below the other: %s',
    async (path) => {
      const module = await Test.createTestingModule({
        imports: [
          FrontrunnerModule.forRoot({ database: 'memory:', http: true }),
          FrontrunnerModule.forRoot({ name: 'orders', database: 'memory:', http: { path } }),
        ],
      })
        .setLogger(new CapturedLog())
        .compile();
      const host = module.createNestApplication();
      await expect(host.init()).rejects.toThrow(/http.path is .*; give each a path of its own/);
      await host.close();
    },
  );

  test('says what to install where a package is missing', () => {
    const missing = Object.assign(
      new Error("Cannot find package '@nestjs/platform-express' imported from /app/x.js"),
      { code: 'ERR_MODULE_NOT_FOUND' },
    );
    expect(() => refuseMissing(missing)).toThrow(
      /needs @nestjs\/platform-express.*npm i @nestjs\/platform-express$/,
    );
    const other = new Error('another');
    expect(() => refuseMissing(other)).toThrow(other);
  });
});
