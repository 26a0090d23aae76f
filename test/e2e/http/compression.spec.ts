import { get, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { inlineTask } from '../../support/inline-task.js';
import { TestApp } from '../../support/test-app.js';

/** What the answer of a run is besides its result. */
const LARGE = 'x'.repeat(2_000);

describe('the body of an answer', () => {
  let service: TestApp;
  let large: string;
  let small: string;
  beforeAll(async () => {
    service = await TestApp.start({
      providers: [
        ...inlineTask('large', { only: { run: () => LARGE } }),
        ...inlineTask('small', { only: { run: () => 'x' } }),
      ],
    });
    const pathOf = async (task: string) => {
      const { runId } = await service.answer(task);
      await service.event(runId, 'run.finished');
      return `/runs/${runId}`;
    };
    [large, small] = [await pathOf('large'), await pathOf('small')];
  });
  afterAll(() => service.close());

  async function ask(path: string, encoding?: string, method = 'GET') {
    const headers = encoding === undefined ? {} : { 'Accept-Encoding': encoding };
    const request = get(service.url + path, { agent: false, method, headers });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { headers: response.headers, body: await buffer(response) };
  }

  const sizesOf = ({
    'content-encoding': encoding,
    'content-length': length,
    vary,
  }: IncomingHttpHeaders) => ({
    encoding,
    length,
    vary,
  });

  test.each([
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0, gzip;q=0.5', 'gzip', gunzipSync],
  ])(
    'is compressed when it has more than 1 KiB and Accept-Encoding is %s',
    async (accepted, encoding, inflate) => {
      const { headers, body } = await ask(large, accepted);
      expect(sizesOf(headers)).toEqual({ encoding, length: undefined, vary: 'Accept, Accept-Encoding' });
      expect(body.length).toBeLessThan(1_000);
      expect(JSON.parse(inflate(body).toString())).toMatchObject({ reply: { result: LARGE } });
    },
  );

  test('is compressed where it is a page of events, and not where it is a stream of them', async () => {
    const { headers, body } = await ask('/events', 'gzip');
    expect(headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(body).toString())).toMatchObject({ next: service.events.at(-1)!.id });
    const accepted = { 'Accept-Encoding': 'gzip', Accept: 'text/event-stream' };
    const stream = await fetch(service.url + large + '/events', { headers: accepted });
    expect(stream.headers.get('Content-Encoding')).toBeNull();
    expect(await stream.text()).toContain('event: run.finished');
  });

  test.each([undefined, 'identity', 'zip', 'gzip;q=0', ''])(
    'comes as it is when Accept-Encoding is %s',
    async (accepted) => {
      const { headers, body } = await ask(large, accepted);
      const length = String(body.length);
      expect(sizesOf(headers)).toEqual({ encoding: undefined, length, vary: 'Accept, Accept-Encoding' });
      expect(JSON.parse(body.toString())).toMatchObject({ reply: { result: LARGE } });
    },
  );

  test('comes as it is when it has no more than 1 KiB', async () => {
    const { headers, body } = await ask(small, 'gzip');
    expect(body.length).toBeLessThan(1_024);
    expect(sizesOf(headers)).toEqual({ encoding: undefined, length: String(body.length), vary: 'Accept' });
  });

  test('is compressed for a problem with many mistakes as well', async () => {
    const mistakes = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`no-${index}`, 1]));
    const response = await service.http
      .post('/tasks/small/runs')
      .set('Accept-Encoding', 'gzip')
      .send(mistakes);
    expect(response.get('Content-Encoding')).toBe('gzip');
    expect(JSON.parse(response.text)).toMatchObject({ type: '/problems/invalid-request', status: 400 });
  });

  test.each(['/openapi.json', '/docs/swagger-ui-bundle.js'])('is compressed for %s', async (path) => {
    const plain = await ask(path);
    const { headers, body } = await ask(path, 'gzip');
    expect(sizesOf(headers)).toEqual({ encoding: 'gzip', length: undefined, vary: 'Accept-Encoding' });
    // Jest would compare megabytes number by number.
    expect(gunzipSync(body).equals(plain.body)).toBe(true);
  });

  test('has no length under HEAD that it would not have under GET', async () => {
    const plain = (await ask(large)).headers['content-length'];
    const vary = 'Accept, Accept-Encoding';
    expect(sizesOf((await ask(large, undefined, 'HEAD')).headers)).toEqual({
      encoding: undefined,
      length: plain,
      vary,
    });
    expect(sizesOf((await ask(large, 'gzip', 'HEAD')).headers)).toEqual({
      encoding: undefined,
      length: undefined,
      vary,
    });
    expect(sizesOf((await ask(small, 'gzip', 'HEAD')).headers)).toMatchObject({ length: expect.any(String) });
  });
});
