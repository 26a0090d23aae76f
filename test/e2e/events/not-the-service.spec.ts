import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { CommandLine } from '../../support/command-line.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

describe('the commands that call a service, where there is none or another', () => {
  const line = new CommandLine(temporaryDirectory());
  const asked: (string | undefined)[] = [];
  const stream = (...events: readonly object[]) =>
    `retry: 1\n${events.map((event, index) => `id: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`).join('')}`;
  const event = (type: string, data: object) => ({
    ...{ type, data, time: '2026-11-23T12:00:00.000Z', runId: 'r', task: 't' },
  });

  async function against(handle: RequestListener, args: readonly string[]) {
    const server = createServer(handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      return await line.run(args, { env: { FRONTRUNNER_URL: `http://127.0.0.1:${port}/` } });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('say what to do when no service listens', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    for (const args of [['run', 'race'], ['runs'], ['watch']])
      expect(await line.run(args, { env: { PORT: String(port) } })).toMatchObject({
        code: 3,
        stderr: `Nothing listens at http://127.0.0.1:${port}; start the service with frontrunner serve, or say where it is: --url, or FRONTRUNNER_URL\n`,
      });
  });

  test('watch goes on behind the last event when it was cut off, or the service is starting', async () => {
    const { code, stdout, stderr } = await against(
      ({ headers }, response) => {
        asked.push(headers['last-event-id'] as string | undefined);
        if (asked.length === 2) return void response.writeHead(503).end('starting');
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        if (asked.length === 3) return void response.end(stream(event('run.finished', { status: 'failed' })));
        response.write(stream(event('run.started', { subTasks: ['a'] })));
        return setImmediate(() => response.destroy());
      },
      ['watch', 'r'],
    );
    expect(asked).toEqual([undefined, '1', '1']);
    expect(stdout).toMatch(/started: a\n.*finished: failed\n$/);
    expect(stderr).toMatch(/^(The connection to http:\S+ is lost; trying again\n){2}$/);
    expect(code).toBe(1);
  });

  const JSON_TYPE = { 'Content-Type': 'application/json' };
  const PROBLEM_TYPE = { 'Content-Type': 'application/problem+json' };
  const COMMANDS = [['run', 't'], ['run', 't', '--wait'], ['runs'], ['watch', 'r']];

  test.each<[string, number, Record<string, string>, string]>([
    ['a page', 200, { 'Content-Type': 'text/html' }, '<p>{}'],
    ['JSON of another shape', 200, JSON_TYPE, '{}'],
    ['half of JSON', 200, JSON_TYPE, '{"id":'],
    ['a list of something else', 200, JSON_TYPE, '{"id":1,"runs":[{"id":"r"}]}'],
    ['an error that is none of ours', 404, {}, ''],
    ['a problem without JSON', 400, PROBLEM_TYPE, 'no'],
    ['a problem of another shape', 400, PROBLEM_TYPE, '{}'],
  ])('all end with 3, and a sentence, for %s', async (_what, status, headers, body) => {
    for (const args of COMMANDS) {
      const ended = await against(
        (_request, response) => response.writeHead(status, headers).end(body),
        args,
      );
      expect(ended).toMatchObject({ code: 3, stdout: '' });
      expect(ended.stderr).toMatch(
        new RegExp(`^http:\\S+\\d answers ${status}, and not as Frontrunner does; say where[^\n]*\n$`),
      );
    }
  });

  test.each(['no JSON', '{}', '{"type":"run.started"}'])(
    'watch ends with 3 for the event %s',
    async (data) => {
      const { code, stdout, stderr } = await against(
        (_request, response) =>
          response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end(`data: ${data}\n\n`),
        ['watch', 'r'],
      );
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(/answers 200, and not as Frontrunner does/);
    },
  );
});
