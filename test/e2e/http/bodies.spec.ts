import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Body, Controller, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { FACES } from '../../support/faces.js';
import { expectProblem } from '../../support/problem.js';
import { sendRaw } from '../../support/raw-http.js';
import { TestApp } from '../../support/test-app.js';

const MAX_BYTES = 512;
const POST = 'POST /tasks/demo/runs HTTP/1.1';

@Controller('echo')
class EchoController {
  @Post()
  @ApiTags('Runs')
  @ApiOperation({ summary: 'Echo', description: 'Answers with the body.' })
  @ApiCreatedResponse({ description: 'The body' })
  echo(@Body() body: unknown): unknown {
    if (body === 'fail') throw new Error('failed on purpose');
    return { body };
  }
}

describe('the body of any POST', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({
      env: { MAX_INPUT_BYTES: `${MAX_BYTES}b` },
      controllers: [EchoController],
    });
  });
  afterAll(() => service.close());

  const post = (body: string, type = 'application/json') => service.http.post('/echo').type(type).send(body);

  test('is read as JSON, and may be missing', async () => {
    await post('[1]').expect(201, '{"body":[1]}');
    await service.http.post('/echo').expect(201, '{"body":{}}');
  });

  test('is refused when it is too large, of another type, or nested too deep', async () => {
    await expectProblem(service, await post(`"${'x'.repeat(MAX_BYTES)}"`), 413, 'payload-too-large');
    await expectProblem(service, await post('x', 'text/plain'), 415, 'unsupported-media-type');
    await expectProblem(service, await post('{'), 400, 'malformed-json');
    const deep = await post('['.repeat(MAX_BYTES / 2) + ']'.repeat(MAX_BYTES / 2));
    await expectProblem(service, deep, 400, 'invalid-request');
  });

  test('is not looked at where nothing takes it', async () => {
    const send = (path: string) =>
      service.http
        .post(path)
        .type('text/plain')
        .send('x'.repeat(2 * MAX_BYTES));
    await expectProblem(service, await send('/nowhere'), 404, 'not-found');
    await expectProblem(service, await send('/tasks'), 405, 'method-not-allowed');
  });

  test('that makes the service fail leaves a line in the log, with the id of the request', async () => {
    const response = await post('"fail"').set('X-Request-Id', 'mine');
    await expectProblem(service, response, 500, 'internal-error');
    expect(service.log.lines).toContainEqual({
      level: 'error',
      msg: 'failed on purpose',
      requestId: 'mine',
      err: new Error('failed on purpose'),
    });
  });
});

describe.each(FACES)('%s: the body of POST /tasks/{name}/runs', (face) => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ face, env: { MAX_INPUT_BYTES: `${MAX_BYTES}b` } });
  });
  afterAll(() => service.close());

  const post = () => service.http.post('/tasks/demo/runs');
  const bodyOf = (bytes: number) => `{"input":"${'x'.repeat(bytes - '{"input":""}'.length)}"}`;

  test('may be as large as MAX_INPUT_BYTES', async () => {
    await post().type('application/json').send(bodyOf(MAX_BYTES)).expect(200);
  });

  test('is refused when it is a byte larger than MAX_INPUT_BYTES', async () => {
    const response = await post()
      .type('application/json')
      .send(bodyOf(MAX_BYTES + 1));
    await expectProblem(service, response, 413, 'payload-too-large');
  });

  test('is refused past MAX_INPUT_BYTES when it comes in chunks and doesn’t say how large it is', async () => {
    const chunk = `200\r\n${'1'.repeat(0x200)}\r\n`;
    const answer = await sendRaw(
      service.url,
      [POST, 'Content-Type: application/json', 'Transfer-Encoding: chunked'],
      `${chunk}${chunk}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toMatch(/content-type: application\/problem\+json/i);
    expect(answer).toContain(`"${service.base}/problems/payload-too-large"`);
  });

  test('is refused when it is small only as long as it is compressed', async () => {
    const response = await post()
      .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
      .serialize((body: unknown) => body as string)
      .send(gzipSync(bodyOf(100 * MAX_BYTES)));
    await expectProblem(service, response, 413, 'payload-too-large');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'application/json; charset=latin1',
  ])('is refused when its type is %s', async (type) => {
    const response = await post().set('Content-Type', type).send('{}');
    await expectProblem(service, response, 415, 'unsupported-media-type');
  });

  test.each([
    [['Content-Length: 11'], '{"input":1}'],
    [['Content-Type:', 'Content-Length: 11'], '{"input":1}'],
    [['Transfer-Encoding: chunked'], 'b\r\n{"input":1}\r\n0\r\n\r\n'],
    [['Content-Length: 1'], '{'],
  ])('is refused when its type is missing: %j', async (headers, body) => {
    const before = service.runsStarted;
    const answer = await sendRaw(service.url, [POST, ...headers], body);
    expect(answer).toMatch(/^HTTP\/1.1 415 [^]*\/problems\/unsupported-media-type"/);
    expect(answer).toContain('send application/json');
    expect(service.runsStarted).toBe(before);
  });

  test('is refused when its encoding is unknown', async () => {
    const response = await post().type('application/json').set('Content-Encoding', 'zip').send('{}');
    await expectProblem(service, response, 415, 'unsupported-media-type');
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'application/vnd.orders+json'])(
    'is read when its type is %s',
    async (type) => {
      const response = await post().set('Content-Type', type).send('{"input":"ä"}').expect(200);
      const { runId } = response.body as { runId: string };
      expect((await service.showRun(runId)).input).toBe('ä');
    },
  );

  test.each<[string[], string?]>([
    [[]],
    [['Content-Type: application/json']],
    [['Content-Length: 0']],
    [['Content-Type: text/plain', 'Content-Length: 0']],
    [['Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ])('may be missing, and the task decides everything: %j', async (headers, body = '') => {
    const answer = await sendRaw(service.url, [POST, ...headers], body);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    const { runId } = JSON.parse(answer.split('\r\n\r\n')[1]!) as { runId: string };
    expect(await service.finishedRun(runId)).toMatchObject({
      input: null,
      replyPolicy: { policy: 'first-success' },
      losers: 'continue',
    });
  });
});
