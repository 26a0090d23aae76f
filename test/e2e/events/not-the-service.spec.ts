import { EventEmitter, once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CommandLine } from '../../support/command-line.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const PROBLEM_TYPE = { 'Content-Type': 'application/problem+json' };
const AT_ONCE = { ...JSON_TYPE, 'Retry-After': '0' };

describe('the commands that call a service, where there is none or another', () => {
  const line = new CommandLine(temporaryDirectory());
  const asked: (string | undefined)[] = [];
  const stream = (...events: readonly object[]) =>
    `retry: 1\n${events.map((event, index) => `id: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`).join('')}`;
  const event = (type: string, data: object) => ({
    ...{ type, data, time: '2026-11-23T12:00:00.000Z', runId: 'r', task: 't' },
  });

  async function against(handle: RequestListener, args: readonly string[], signals = new EventEmitter()) {
    const server = createServer(handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      return await line.run(args, { env: { FRONTRUNNER_URL: `http://127.0.0.1:${port}/` }, signals });
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

  test('run waits for the answer of one run while the service is cut off, busy or away, and says its id', async () => {
    const [keys, preferred, paths]: [Set<unknown>, unknown[], Set<unknown>] = [new Set(), [], new Set()];
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(202, AT_ONCE).end('{"id":"r1"}'),
      (response) => response.destroy(),
      (response) => response.writeHead(429, { 'Retry-After': '0' }).end(),
      (response) => response.writeHead(502, { 'Retry-After': '0' }).end('<p>no'),
      (response) => response.writeHead(202, AT_ONCE).end('{"id":"r1"}'),
      (response) => {
        response.writeHead(200, { ...JSON_TYPE, 'Content-Length': '99' }).write('{"id":"r1",');
        setImmediate(() => response.destroy());
      },
      (response) => response.writeHead(200, JSON_TYPE).end('{"id":"r1","result":90071992547409931}'),
    ];
    const { code, stdout, stderr } = await against(
      ({ url, headers }, response) => {
        paths.add(url);
        keys.add(headers['idempotency-key']);
        answers[preferred.push(headers.prefer) - 1]?.(response);
      },
      ['run', 't', '--wait'],
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"id":"r1","result":90071992547409931}\n' });
    expect(stderr.match(/^Trying again to get the answer of run r1$/gm)).toHaveLength(4);
    expect([...paths]).toEqual(['/tasks/t/runs']);
    expect(keys.size).toBe(1);
    expect(preferred).toEqual(['respond-async', ...Array<string>(6).fill('wait=60')]);
  });

  test('run says the id of a run whose answer it can’t get', async () => {
    let requests = 0;
    const { code, stderr } = await against(
      (_request, response) => {
        requests += 1;
        if (requests === 1) response.writeHead(202, AT_ONCE).end('{"id":"r1"}');
        else response.writeHead(404, PROBLEM_TYPE).end('{"title":"Gone","detail":"nothing"}');
      },
      ['run', 't', '--wait'],
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'There is no answer of run r1:\nGone: nothing\n' });
  });

  test('run says the id of its run when it is interrupted', async () => {
    const signals = new EventEmitter();
    let requests = 0;
    const { code, stderr } = await against(
      (_request, response) => {
        requests += 1;
        if (requests === 1) response.writeHead(202, AT_ONCE).end('{"id":"r1"}');
        else signals.emit('SIGINT');
      },
      ['run', 't', '--wait'],
      signals,
    );
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: 'The run goes on: frontrunner watch r1 shows it\n',
    });
    expect(signals.eventNames()).toEqual([]);
  });

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

  const directory = temporaryDirectory();
  test('a .env that is a folder is refused in a sentence', async () => {
    mkdirSync(join(directory, '.env'));
    expect(await new CommandLine(directory).run(['runs'])).toEqual({
      ...{ code: 2, stdout: '' },
      stderr: 'The file .env can’t be read (EISDIR)\n',
    });
  });
});
