import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { problemTypes, type Problem, type ProblemCode } from '../../../src/http/problems.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const MAX_BYTES = 512;
const CURL = '/usr/bin/curl';
const controlled = new ControlledTask('controlled', { only: {} });

describe('what HTTP itself forbids', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { MAX_INPUT_BYTES: `${MAX_BYTES}b` },
      providers: controlled.providers,
    });
  });
  afterAll(() => service.close());

  const open = (): Socket => connect(Number(new URL(service.url).port), '127.0.0.1');

  /** Proves that an answer, to the letter, is a problem document after which the connection is closed. */
  function expectRefusal(answer: string, code: ProblemCode): Problem {
    const { status, title } = problemTypes[code];
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    for (const header of [
      /^x-request-id: [0-9a-f-]{36}\r?$/im,
      /^cache-control: no-store\r?$/im,
      /^x-content-type-options: nosniff\r?$/im,
      /^content-type: application\/problem\+json; charset=utf-8\r?$/im,
      /^connection: close\r?$/im,
    ])
      expect(head).toMatch(header);
    const problem = JSON.parse(body) as Problem;
    expect(problem).toMatchObject({ type: `/problems/${code}`, title, status });
    expect(Number(/^content-length: (\d+)/im.exec(head)![1])).toBe(Buffer.byteLength(body));
    return problem;
  }

  describe('is refused with a problem document', () => {
    test.each([
      ['no HTTP', 'hello\r\n\r\n'],
      ['an unknown method', 'BREW /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n'],
      ['an unknown version', 'GET /tasks HTTP/9.9\r\nHost: localhost\r\n\r\n'],
      ['a header without a name', 'GET /tasks HTTP/1.1\r\nHost: localhost\r\n: y\r\n\r\n'],
      ['a control character in a header', 'GET /tasks HTTP/1.1\r\nHost: localhost\r\nA: \u0001\r\n\r\n'],
      [
        'two lengths',
        'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      ],
      [
        'a length and chunks',
        'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      ],
    ])('when it is %s', async (_what, bytes) => {
      const socket = open();
      socket.write(bytes);
      expectRefusal(await text(socket), 'bad-request');
    });

    test('when a body comes in chunks that are none, with the id of the request', async () => {
      const before = service.runsStarted;
      const socket = open();
      socket.write(
        'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: 0-0\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      );
      const answer = await text(socket);
      expect(answer).toMatch(/^HTTP\/1.1 400 [^]*\r\nX-Request-Id: 0-0\r\n[^]*"\/problems\/bad-request"/);
      expect(service.runsStarted).toBe(before);
    });

    test('when it says no Host', async () => {
      const socket = open();
      socket.write('GET /tasks HTTP/1.1\r\nConnection: close\r\n\r\n');
      expect(expectRefusal(await text(socket), 'bad-request')).toMatchObject({
        detail: 'There is no Host header',
        instance: '/tasks',
      });
    });

    test('when it says more than one Host', async () => {
      const socket = open();
      socket.write('GET /tasks HTTP/1.1\r\nHost: localhost\r\nhOST: localhost\r\nConnection: close\r\n\r\n');
      expect(expectRefusal(await text(socket), 'bad-request')).toMatchObject({
        detail: 'There is more than one Host header',
      });
    });

    test.each([20_000, 2_000_000])('when its headers have %i bytes', async (bytes) => {
      const socket = open();
      socket.write(`GET /tasks HTTP/1.1\r\nHost: localhost\r\n${'A: 12345\r\n'.repeat(bytes / 10)}\r\n`);
      expectRefusal(await text(socket), 'headers-too-large');
    });

    test('when the extensions of its chunks are endless', async () => {
      const socket = open();
      socket.write(
        `POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n`,
      );
      expectRefusal(await text(socket), 'payload-too-large');
    });

    test.each([
      ['headers', 'GET /tasks HTTP/1.1\r\nHost: localhost\r\n'],
      [
        'body',
        'POST /tasks/demo/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      ],
    ])('when its %s do not arrive in time', async (_part, beginning) => {
      const { headersTimeout, requestTimeout } = service.server;
      Object.assign(service.server, { headersTimeout: 1, requestTimeout: 1 });
      try {
        const socket = open();
        socket.write(beginning);
        expectRefusal(await text(socket), 'request-timeout');
      } finally {
        Object.assign(service.server, { headersTimeout, requestTimeout });
      }
    });

    test.each(['200-maybe', 'x-100-continue', '100-continue, more'])(
      'when it expects %s',
      async (expectation) => {
        const answer = await sendRaw(service.url, ['GET /tasks HTTP/1.1', `Expect: ${expectation}`]);
        expectRefusal(answer, 'expectation-failed');
      },
    );
  });

  describe('is refused after the answers to the requests before it', () => {
    const run =
      'POST /tasks/controlled/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const whole = `${run}Content-Length: 2\r\n\r\n{}`;
    const statuses = (received: string): string[] =>
      received.split('HTTP/1.1 ').flatMap((answer) => /^\d+/.exec(answer)?.[0] ?? []);

    test.each<[string, string, string, string[]]>([
      ['what is no HTTP', whole, 'hello\r\n\r\n', ['200', '400']],
      ['several times', whole, 'hello\r\n\r\n'.repeat(9_999), ['200', '400']],
      [
        'after two requests',
        whole,
        `GET /tasks HTTP/1.1\r\nHost: localhost\r\n\r\nhello`,
        ['200', '200', '400'],
      ],
      ['in a body', whole, `${run}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, ['200', '400']],
      ['in headers', whole, `GET /tasks HTTP/1.1\r\n: y\r\n\r\n`, ['200', '400']],
      ['after the last request', `${run}Connection: close\r\nContent-Length: 2\r\n\r\n{}`, 'hello', ['200']],
    ])('when it is %s', async (_what, first, then, answers) => {
      const socket = open();
      const received = text(socket);
      socket.write(first);
      const { context, succeed } = await controlled.next('only');
      const before = service.runsStarted;
      socket.write(then);
      await service.http.get('/health/live').expect(200);
      succeed('first');
      const answer = await received;
      expect(answer).toContain(`"runId":"${context.runId}"`);
      expect(statuses(answer)).toEqual(answers);
      if (answers.at(-1) === '400')
        expectRefusal(answer.slice(answer.lastIndexOf('HTTP/1.1')), 'bad-request');
      expect(service.runsStarted).toBe(before);
    });

    test('when both come at once', async () => {
      const socket = open();
      const received = text(socket);
      socket.write(`${whole}hello`);
      (await controlled.next('only')).succeed('first');
      expect(statuses(await received)).toEqual(['200', '400']);
    });
  });

  test('answers whoever has ended its side of the connection, as nc -N does', async () => {
    const socket = open();
    socket.end('POST /tasks/controlled/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
    const received = text(socket);
    const { succeed } = await controlled.next('only');
    await service.http.get('/health/live').expect(200);
    succeed('late');
    expect(await received).toMatch(/^HTTP\/1.1 200 [^]*"result":"late"/);
  });

  test('answers eight of them at a time, and others again when those are answered', async () => {
    const ask = async () => {
      const socket = open();
      socket.end('POST /tasks/controlled/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
      const received = text(socket);
      const { succeed } = await controlled.next('only');
      return { received, succeed };
    };
    const waiting: Awaited<ReturnType<typeof ask>>[] = [];
    while (waiting.length < 8) waiting.push(await ask());
    const ninth = await ask();
    expect(await ninth.received).toBe('');
    for (const { succeed } of [...waiting, ninth]) succeed('late');
    for (const { received } of waiting) expect(await received).toMatch(/^HTTP\/1.1 200 /);
    const last = await ask();
    last.succeed('last');
    expect(await last.received).toMatch(/^HTTP\/1.1 200 /);
  });

  test('takes away nothing from the next request', async () => {
    await service.http.get('/tasks').expect(200);
  });
});

describe('Expect: 100-continue', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { MAX_INPUT_BYTES: `${MAX_BYTES}b` } });
  });
  afterAll(() => service.close());

  const body = '{"input":"waited for"}';

  /** Announces a body; it is sent when the service asks for it. */
  async function announce(
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ continued: boolean; response: IncomingMessage; answer: string }> {
    const call: ClientRequest = request(service.url + path, {
      method: 'POST',
      agent: false,
      headers: {
        Expect: '100-continue',
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        ...headers,
      },
    });
    let continued = false;
    call.on('continue', () => {
      continued = true;
      call.end(body);
    });
    call.flushHeaders();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const answer = await text(response);
    call.destroy();
    return { continued, response, answer };
  }

  test('is answered with 100, and what follows is read', async () => {
    const { continued, response, answer } = await announce('/tasks/demo/runs');
    expect({ continued, status: response.statusCode }).toEqual({ continued: true, status: 200 });
    const { runId } = JSON.parse(answer) as { runId: string };
    expect(await service.finishedRun(runId)).toMatchObject({ input: 'waited for' });
  });

  test.each<[string, string, Record<string, string>, ProblemCode]>([
    ['is too large', '/tasks/demo/runs', { 'Content-Length': '513' }, 'payload-too-large'],
    ['has the wrong type', '/tasks/demo/runs', { 'Content-Type': 'text/plain' }, 'unsupported-media-type'],
    ['has an unknown encoding', '/tasks/demo/runs', { 'Content-Encoding': 'zip' }, 'unsupported-media-type'],
    [
      'has an unknown character set',
      '/tasks/demo/runs',
      { 'Content-Type': 'application/json; charset=latin1' },
      'unsupported-media-type',
    ],
    ['is for nobody', '/nowhere', {}, 'not-found'],
    ['is for another method', '/tasks', {}, 'method-not-allowed'],
    ['cannot be answered', '/tasks/demo/runs', { Accept: 'text/html' }, 'not-acceptable'],
  ])('is answered with the refusal when the body %s', async (_what, path, headers, code) => {
    const { continued, response, answer } = await announce(path, headers);
    expect(continued).toBe(false);
    expect(response.statusCode).toBe(problemTypes[code].status);
    expect(response.headers.connection).toBe('close');
    expect(answer).toContain(`"/problems/${code}"`);
  });

  test('is understood by curl', async () => {
    if (!existsSync(CURL)) {
      process.stdout.write(
        `Skipped, for there is no ${CURL}: ${String(expect.getState().currentTestName)}\n`,
      );
      return;
    }
    const curl = async (input: string): Promise<string> => {
      const child = spawn(CURL, [
        ...['-sS', '-i', '--expect100-timeout', '60', '-H', 'Expect: 100-continue'],
        ...['-H', 'Content-Type: application/json', '--data-binary', '@-', `${service.url}/tasks/demo/runs`],
      ]);
      child.stdin.end(input);
      return text(child.stdout);
    };
    expect(await curl(body)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
    expect(await curl('x'.repeat(1_000_000))).toMatch(/^HTTP\/1.1 413 /);
  });
});
