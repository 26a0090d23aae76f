import { once } from 'node:events';
import { OutgoingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { ConnectionMemory } from '../../../src/http/connection-memory.js';
import { Refusals } from '../../../src/http/refusals.js';
import { RunWatch } from '../../../src/tasks/run-watch.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { inlineTask } from '../../support/inline-task.js';
import { expectProblem } from '../../support/problem.js';
import { StreamReader } from '../../support/stream-reader.js';
import { TestApp } from '../../support/test-app.js';

const MB = 2 ** 20;
const START = 'POST /tasks/controlled/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';

describe('a connection', () => {
  let service: TestApp;
  const sockets = new Set<Socket>();
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    jest.restoreAllMocks();
    await service.close();
  });

  /** Sends a text on a connection of which nothing is read until somebody listens to it. */
  function send(bytes: string): Socket {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(bytes);
    return socket;
  }

  const memory = () => service.app.get(ConnectionMemory);
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

  async function until(holds: () => boolean): Promise<void> {
    while (!holds()) await nextTurn();
  }

  /** A service whose runs of the task `large` have results of so many bytes. */
  async function startLarge(bytes: number, env: Readonly<Record<string, string>> = {}) {
    const providers = inlineTask('large', { only: { run: () => 'x'.repeat(bytes) } });
    service = await TestApp.start({ env: { MAX_RESULT_BYTES: '100mb', ...env }, providers });
    const { runId } = await service.answer('large');
    await service.event(runId, 'run.finished');
    return get(`/runs/${runId}`);
  }

  /** Has those that take nothing of an answer cut off a hundred times sooner. */
  function hurry(): void {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its response below
    const setTimeout = OutgoingMessage.prototype.setTimeout as (ms: number) => OutgoingMessage;
    jest.spyOn(OutgoingMessage.prototype, 'setTimeout').mockImplementation(function (
      this: OutgoingMessage,
      ms,
    ) {
      return setTimeout.call(this, ms / 100);
    });
  }

  test('has one request handled at a time, in their order', async () => {
    const controlled = new ControlledTask('controlled', { only: {} });
    service = await TestApp.start({ providers: controlled.providers });
    let requests = 0;
    service.server.on('request', () => (requests += 1));
    const socket = send(
      START + START + get('/tasks/controlled').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    const first = await controlled.next('only');
    await until(() => requests === 3);
    await service.http.get('/health/live').expect(200);
    expect(service.runsStarted).toBe(1);
    first.succeed('one');
    (await controlled.next('only')).succeed('two');
    expect(await text(socket)).toMatch(/"result":"one"[^]+"result":"two"[^]+"subTasks":/);
    expect(memory().used).toBe(0);
  });

  test('that sends 600 requests and reads nothing has no more answers made than were sent', async () => {
    const request = await startLarge(MB);
    const asked = jest.spyOn(service.app.get(RunWatch), 'get');
    let requests = 0;
    service.server.on('request', () => (requests += 1));
    const socket = send(request.repeat(600));
    await until(() => requests === 600 && memory().unsentAnswers === 1);
    // The system’s own buffers take the first few.
    expect(asked.mock.calls.length).toBeLessThan(100);
    expect(memory().used).toBeLessThan(600 * 16 * 1024 + 2 * MB);
    socket.destroy();
    await until(() => memory().used === 0);
  });

  test('that sends many requests and reads gets every answer', async () => {
    service = await TestApp.start();
    const last = get('/tasks').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
    const answers = await text(send(get('/health/live').repeat(599) + last));
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(600);
  });

  test('is closed when it is more than 1,000 requests ahead, and what it began goes on', async () => {
    const controlled = new ControlledTask('controlled', { only: {} });
    service = await TestApp.start({ providers: controlled.providers });
    const socket = send(START);
    const { context, succeed } = await controlled.next('only');
    socket.write(get('/health/live').repeat(1_001));
    await once(socket.resume(), 'close');
    await until(() => memory().used === 0);
    succeed('all the same');
    expect(await service.finishedRun(context.runId)).toMatchObject({ status: 'succeeded' });
  });

  test('that takes nothing of an answer for a while is cut off', async () => {
    const request = await startLarge(30 * MB);
    hurry();
    const closed = new Promise((resolve) => {
      service.server.once('request', (_request, response: ServerResponse) => response.once('close', resolve));
    });
    send(request);
    await closed;
    expect(memory().used).toBe(0);
  });

  test('that keeps an answer waiting the longest is cut off when there is no room for others', async () => {
    const request = await startLarge(30 * MB, { MEMORY_BUDGET: '16mb' });
    const slow = send(request);
    await until(() => memory().unsentAnswers === 1);
    const quick = send(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await until(() => memory().used > 0 && quick.bytesRead > 0);
    expect((await text(quick)).length).toBeGreaterThan(30 * MB);
    await once(slow.resume(), 'close');
    expect(slow.bytesRead).toBeLessThan(30 * MB);
    expect(service.log.lines).toContainEqual({
      level: 'warn',
      msg: expect.stringContaining('MEMORY_BUDGET'),
    });
  });

  test('is refused an event stream, and a large body, when connections take as much as they may', async () => {
    service = await TestApp.start({ env: { MEMORY_BUDGET: '16mb' } });
    expect(memory().take(4 * MB)).toBe(true);
    const stream = await service.http.get('/events').set('Accept', 'text/event-stream');
    expect(stream.get('Retry-After')).toBe('1');
    await expectProblem(service, stream, 503, 'overloaded');
    await expectProblem(service, await service.run('demo', { input: 'x'.repeat(50_000) }), 503, 'overloaded');
    await service.answer('demo', { input: 'small' });
    memory().give(4 * MB);
    const many = { runs: [{ input: Array.from({ length: 50_000 }, () => ({})) }] };
    const batch = await service.http.post('/tasks/demo/runs:batch').send(many);
    expect(batch.body).toMatchObject({ accepted: 0, runs: [{ status: 413 }] });
    expect(memory().take(3 * MB)).toBe(true);
    const parsed = await service.http.post('/tasks/demo/runs:batch').send(many);
    await expectProblem(service, parsed, 503, 'overloaded');
    memory().give(3 * MB);
    await service.answer('demo', { input: 'x'.repeat(50_000) });
    const reader = await StreamReader.open(`${service.url}/events`);
    expect([reader.status, memory().used]).toEqual([200, 32 * 1024]);
    reader.close();
    await until(() => memory().used === 0);
  });

  test('counts what it is about to send, until it hangs up', async () => {
    service = await TestApp.start();
    const socket = send(
      'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
    );
    await until(() => memory().used === 100 * 1024);
    socket.destroy();
    await until(() => memory().used === 0);
  });

  test('gets 503 past MAX_CONNECTIONS and is closed, starts no run, and the log says so once', async () => {
    service = await TestApp.start({ env: { MAX_CONNECTIONS: '2' } });
    const served: Socket[] = [];
    service.server.on('connection', (socket) => served.push(socket));
    const open = [send(''), send('')];
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    await once(send('').resume(), 'close');
    const refused = await text(
      send('POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n'),
    );
    const [head, body = ''] = refused.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\nRetry-After: 1$/);
    expect(JSON.parse(body)).toMatchObject({ type: '/problems/overloaded', status: 503 });
    expect(service.runsStarted).toBe(0);
    // Past so many refusals at a time, connections are closed without an answer.
    expect(service.server.maxConnections).toBe(102);
    const warnings = service.log.lines.filter(({ msg }) => msg.includes('MAX_CONNECTIONS'));
    expect(warnings).toEqual([
      expect.objectContaining({
        level: 'warn',
        msg: 'Refused with 503 overloaded: 2 connections are open, as many as MAX_CONNECTIONS allows',
        address: '127.0.0.1',
      }),
    ]);
    expect(service.app.get(Refusals).counts.get('overloaded')).toBe(2);
    const gone = new Promise((resolve) => served[0]!.once('close', resolve));
    open[0]!.destroy();
    await gone;
    await service.http.get('/health/live').expect(200);
  });

  test.each([
    ['10s', '100kb', 60_000, 61_024],
    ['75s', '100kb', 76_000, 77_024],
    ['620s', '100mb', 621_000, 1_669_576],
  ])(
    'is kept for %s, has a minute and no less than that for the headers of a request, and more for bodies of %s',
    async (KEEP_ALIVE_TIMEOUT, MAX_INPUT_BYTES, headersTimeout, requestTimeout) => {
      service = await TestApp.start({ env: { KEEP_ALIVE_TIMEOUT, MAX_INPUT_BYTES } });
      expect(service.server).toMatchObject({ headersTimeout, requestTimeout });
      const response = await service.http.get('/health/live').set('Connection', 'keep-alive');
      expect(response.get('Keep-Alive')).toBe(`timeout=${parseInt(KEEP_ALIVE_TIMEOUT)}`);
    },
  );
});
