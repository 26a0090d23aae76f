import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectProblem } from '../support/problem.js';
import { sendRaw } from '../support/raw-http.js';
import { TestApp } from '../support/test-app.js';

const MAX_BYTES = 512;
const POST = 'POST /tasks/demo/runs HTTP/1.1';

describe('the body of POST /tasks/{name}/runs', () => {
  let service: TestApp;
  beforeAll(async () => {
    service = await TestApp.start({ env: { MAX_INPUT_BYTES: `${MAX_BYTES}b` } });
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
    expect(answer).toContain('"/problems/payload-too-large"');
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

  test('is read as JSON when its type is missing', async () => {
    const answer = await sendRaw(service.url, [POST, 'Content-Length: 11'], '{"input":1}');
    const { runId } = JSON.parse(answer.split('\r\n\r\n')[1]!) as { runId: string };
    expect((await service.finishedRun(runId)).input).toBe(1);
    expect(await sendRaw(service.url, [POST, 'Content-Length: 1'], '{')).toMatch(/^HTTP\/1.1 400 /);
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

  test.each([
    [[]],
    [['Content-Type: application/json']],
    [['Content-Length: 0']],
    [['Content-Type: text/plain', 'Content-Length: 0']],
  ])('may be missing, and the task decides everything: %j', async (headers) => {
    const answer = await sendRaw(service.url, [POST, ...headers]);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    const { runId } = JSON.parse(answer.split('\r\n\r\n')[1]!) as { runId: string };
    expect(await service.finishedRun(runId)).toMatchObject({
      input: null,
      replyPolicy: { policy: 'first-success' },
      losers: 'continue',
    });
  });
});
