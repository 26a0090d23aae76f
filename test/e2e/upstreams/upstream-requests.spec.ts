import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import type { Attempt } from '../../../src/run/attempt.js';
import { AttemptTrace } from '../../../src/tracing/attempt-trace.js';
import { Tracing } from '../../../src/tracing/tracing.js';
import { freePort } from '../../support/free-port.js';
import { Caller } from '../../support/http-sub-task.js';
import { RecordedSpans, spanId } from '../../support/recorded-spans.js';
import { streaming, type SentStream } from '../../support/http-streams.js';
import { bytes, json, type UpstreamServer } from '../../support/upstreams.js';

describe('HTTP sub-tasks', () => {
  let caller: Caller;
  let server: UpstreamServer;
  beforeEach(async () => {
    caller = await Caller.create();
    server = await caller.serve(json(1));
  });
  afterEach(() => caller.close());

  /** What the upstream gets. */
  const sent = async (options: object, input: object, environment = {}) => {
    const subTask = caller.subTask({ url: `${server.origin}/`, method: 'POST', ...options }, environment);
    await caller.call(subTask, { input });
    const { headers, body, target } = server.requests.at(-1)!;
    return { type: headers['content-type'], headers, body, target };
  };

  test('are measured while somebody hears of it, with what came of each', async () => {
    const subTask = caller.subTask({ url: `${server.origin}/` });
    await caller.call(subTask);
    const calls = caller.heard();
    await caller.call(subTask);
    const picky = { url: `${server.origin}/`, expect: { status: [201] } };
    await caller.failure(picky);
    await caller.failure({ url: 'http://127.0.0.1:1/' });
    const call = { method: 'GET', origin: server.origin, tookMs: expect.any(Number), error: undefined };
    expect(calls).toEqual([
      { ...call, status: 200 },
      { ...call, status: 200 },
      { ...call, origin: 'http://127.0.0.1:1', status: undefined, error: 'upstream-unreachable' },
    ]);
  });

  describe('a body', () => {
    test('may be a form, of which lists are a field each and missing members none', async () => {
      const form = {
        grant: 'a b&c',
        of: '{id}: {tags}',
        tag: '{tags}',
        list: ['x', '{nobody}', '{id}'],
        none: '{nobody}',
        n: 1,
        key: '${KEY}',
      };
      const input = { id: 175928847299117063n, tags: ['é', null, true] };
      const { type, body } = await sent({ form }, input, { KEY: 'k=+' });
      expect(type).toBe('application/x-www-form-urlencoded');
      expect(body).toBe(
        'grant=a+b%26c&of=175928847299117063%3A+%5B%22%C3%A9%22%2Cnull%2Ctrue%5D&tag=%C3%A9&tag=true&list=x&list=175928847299117063&n=1&key=k%3D%2B',
      );
      expect((await sent({ form: { a: [1, true] } }, {})).body).toBe('a=1&a=true');
    });

    test('may be a text of any type, in which nothing is encoded', async () => {
      const text = '<a>{id} & {list}{nobody}</a> ${KEY} {{x}}';
      const { type, body } = await sent({ text }, { id: 'é<', list: [1] }, { KEY: 'k' });
      expect([type, body]).toEqual(['text/plain; charset=utf-8', '<a>é< & [1]</a> k {x}']);
      const xml = await sent({ text: '{xml}', headers: { 'Content-Type': 'text/xml' } }, { xml: '<a/>' });
      expect([xml.type, xml.body]).toEqual(['text/xml', '<a/>']);
      expect((await sent({ text: '{nobody}' }, {})).body).toBe('');
    });

    test('may be JSON of any type', async () => {
      const type = 'application/vnd.api+json';
      expect(await sent({ headers: { 'content-type': type } }, { a: 1 })).toMatchObject({
        type,
        body: '{"a":1}',
      });
    });

    test('that an input can’t make is a failure for good', async () => {
      const url = `${server.origin}/`;
      for (const [options, input] of [
        [{ form: { a: '{a}' } }, { a: { b: 1 } }],
        [{ form: { a: '{a}' } }, { a: [[1]] }],
        [{ form: { a: '{a}' } }, { a: '\ud83d' }],
        [{ text: 'of {a}' }, { a: '\ud83d' }],
      ] as const) {
        const failure = await caller.failure({ url, method: 'POST', ...options }, { input });
        expect(failure.options).toEqual({ code: 'upstream-forbidden', retry: false });
      }
      expect(server.requests).toEqual([]);
    });

    test('with a variable of the environment goes to no other origin, and an echo of it is redacted', async () => {
      const moved = await caller.serve(bytes('', { location: `${server.origin}/` }, 307));
      const echo = await caller.serve((request, response) => {
        response.writeHead(500).end('key=sesame+4711');
      });
      for (const kind of [{ form: { key: '${KEY}' } }, { text: '${KEY}' }]) {
        const options = { url: `${moved.origin}/`, method: 'POST', redirects: [server.origin], ...kind };
        const { message } = await caller.failure(caller.subTask(options, { KEY: 'sesame 4711' }));
        expect(message).toContain('must not get the environment variables of its body');
        const echoed = caller.subTask({ ...options, url: `${echo.origin}/` }, { KEY: 'sesame 4711' });
        expect((await caller.failure(echoed)).options.upstream?.excerpt).toBe('key=[redacted]');
      }
    });
  });

  test('say of a status that is the caller’s own fault that their failure is final', async () => {
    const unfit = await caller.serve(json({ error: 'no such city' }, 422, { 'retry-after': '1' }));
    const options = { url: `${unfit.origin}/`, final: [400, 422] };
    expect((await caller.failure(options)).options).toMatchObject({
      code: 'upstream-status',
      retry: false,
      final: true,
      upstream: { status: 422 },
    });
    expect((await caller.failure({ ...options, final: [400] })).options).not.toHaveProperty('final');
  });

  describe('a header', () => {
    test('has a value as it is where the template says so, and is left out without one', async () => {
      const headers = { A: '{+a}', B: 'x {+b} {a}', C: '{+c}', D: '{+d}', E: '{+e}' };
      const input = { a: 'W/"e f,="', b: [1, 'y z'], c: { k: 'v', l: true }, d: [] };
      expect((await sent({ headers }, input)).headers).toMatchObject({
        a: 'W/"e f,="',
        b: 'x 1,y z W%2F%22e%20f%2C%3D%22',
        c: 'k,v,l,true',
      });
      expect(server.requests[0]?.headers).not.toHaveProperty('d');
      expect(server.requests[0]?.headers).not.toHaveProperty('e');
    });

    test('is the traceparent of the attempt, unless the template names another', async () => {
      const traces: (string | undefined)[] = [];
      for (const headers of [{}, { Traceparent: 'mine' }])
        traces.push((await sent({ headers }, {})).headers.traceparent as string | undefined);
      expect(traces).toEqual([expect.stringMatching(/^00-run-[0-9a-f]{16}-01$/), 'mine']);
    });

    test('may be the caller’s, as it came, and is left out or its own default where the caller sent none', async () => {
      const options = {
        url: `${server.origin}/`,
        headers: { 'X-For': 'lang={header.Accept-Language}', 'X-None': '{header.constructor}' },
        forwardHeaders: ['Accept', 'User-Agent', 'X-Tenant', '__proto__'],
      };
      const callerHeaders = { 'accept-language': 'nb, en;q=0.5', accept: 'text/csv', 'x-tenant': 'Åse' };
      await caller.call(options, { callerHeaders });
      const { headers } = server.requests[0]!;
      expect(headers).toMatchObject({
        accept: 'text/csv',
        'user-agent': 'frontrunner',
        'x-for': 'lang=nb, en;q=0.5',
        'x-tenant': 'Åse',
      });
      for (const name of ['x-none', 'accept-language']) expect(headers).not.toHaveProperty(name);
    });

    test('of the caller goes to no other origin', async () => {
      const moved = await caller.serve(bytes('', { location: `${server.origin}/` }, 302));
      const options = {
        url: `${moved.origin}/`,
        redirects: [server.origin],
        headers: { 'X-A': '{header.x-a}', 'X-C': 'c' },
        forwardHeaders: ['X-B'],
      };
      caller.subTask({ url: `${server.origin}/` });
      await caller.call(options, { callerHeaders: { 'x-a': 'a', 'x-b': 'b' } });
      expect(moved.requests[0]?.headers).toMatchObject({ 'x-a': 'a', 'x-b': 'b', 'x-c': 'c' });
      const { headers } = server.requests[0]!;
      expect([headers['x-a'], headers['x-b'], headers['x-c']]).toEqual([undefined, undefined, 'c']);
    });

    test.each(['a\r\nB: c', 'é', '\0', ['a', '\n'], '\ud83d'])(
      'that %j can’t stand in as it is makes a failure for good',
      async (a) => {
        const options = { url: `${server.origin}/`, headers: { A: '{+a}' } };
        const failure = await caller.failure(options, { input: { a } });
        expect(failure.options).toEqual({ code: 'upstream-forbidden', retry: false });
        expect(server.requests).toEqual([]);
      },
    );
  });

  describe('with traces on', () => {
    let spans: RecordedSpans;
    beforeAll(() => {
      spans = RecordedSpans.register();
    });
    afterAll(() => {
      spans.unregister();
    });
    beforeEach(() => {
      spans.ended.length = 0;
    });

    /** An attempt in the trace of a caller with a `tracestate`. */
    const attempt = () => {
      const traceState = new TraceState('vendor=1');
      const parent = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, traceState };
      const below = api.trace.setSpanContext(api.ROOT_CONTEXT, parent);
      return new AttemptTrace(Tracing.of(api)!.spans, 'sub-task', 1, {}, below);
    };

    test('have a span each, which the upstream is told of, without values of the input and the environment', async () => {
      const trace = attempt();
      const options = { url: `${server.origin}/` + '${VERSION}/users/{id}?key=${KEY}' };
      const subTask = caller.subTask(options, { VERSION: 'v1', KEY: 'sesame' });
      await caller.call(subTask, { input: { id: 'ada' }, trace });
      const [span] = spans.ended;
      const path = '/${VERSION}/users/{id}';
      expect(span).toMatchObject({
        name: `GET ${path}`,
        kind: api.SpanKind.CLIENT,
        parentSpanContext: trace.ids,
        attributes: {
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'server.address': '127.0.0.1',
          'server.port': Number(new URL(server.origin).port),
          'url.full': server.origin + path,
        },
      });
      expect(JSON.stringify(span?.attributes)).not.toMatch(/ada|v1|sesame|resend/);
      const { headers, target } = server.requests[0]!;
      expect(target).toBe('/v1/users/ada?key=sesame');
      expect(headers.traceparent).toBe(`00-${trace.ids.traceId}-${spanId(span!)}-01`);
      expect(headers.tracestate).toBe('vendor=1');
    });

    test('have another span behind a redirect, and keep headers of the template', async () => {
      const moved = await caller.serve(bytes('', { location: `${server.origin}/for/ada` }, 302));
      const headers = { Tracestate: 'mine' };
      const options = { url: `${moved.origin}/a`, redirects: [server.origin], headers };
      caller.subTask({ url: `${server.origin}/` });
      await caller.call(options, { trace: attempt() });
      expect(
        spans.ended.map(({ name, attributes }) => [name, attributes['http.request.resend_count']]),
      ).toEqual([
        ['GET /a', undefined],
        ['GET', 1],
      ]);
      const [, second] = spans.ended;
      expect(second?.attributes['url.full']).toBe(`${server.origin}/`);
      const sent = server.requests[0]!.headers;
      expect([spanId(sent.traceparent as string), sent.tracestate]).toEqual([spanId(second!), 'mine']);
    });

    test('that fail are errors', async () => {
      const broken = await caller.serve(json({}, 503));
      const large = await caller.serve(json('x'.repeat(100)));
      await caller.failure({ url: `${broken.origin}/` }, { trace: attempt() });
      await caller.failure({ url: `${large.origin}/`, maxResponse: '10b' }, { trace: attempt() });
      await caller.failure({ url: `http://127.0.0.1:${await freePort()}/` }, { trace: attempt() });
      const seen = spans.ended.map(({ status, attributes }) => [
        status.code,
        attributes['error.type'],
        attributes['http.response.status_code'],
      ]);
      expect(seen).toEqual([
        [api.SpanStatusCode.ERROR, '503', 503],
        [api.SpanStatusCode.ERROR, 'upstream-unfit', 200],
        [api.SpanStatusCode.ERROR, 'ECONNREFUSED', undefined],
      ]);
    });

    test('end with their stream, and say what became of it', async () => {
      let opened = Promise.withResolvers<SentStream>();
      const streamed = await caller.serve(streaming((one) => opened.resolve(one)));
      const ends: ((stream: SentStream, attempt: Attempt) => void)[] = [
        ({ response }) => void response.end(),
        ({ response }) => void response.destroy(),
        (_stream, attempt) => attempt.giveUp(),
      ];
      for (const end of ends) {
        let given: Attempt | undefined;
        const begun = (one: Attempt): void => {
          given = one;
        };
        const options = { url: `${streamed.origin}/`, stream: 'sse' };
        const chunks = await caller.open(options, { trace: attempt(), begun });
        const first = chunks.next();
        const stream = await opened.promise;
        opened = Promise.withResolvers();
        await stream.send('data: a\n\n');
        await first;
        const before = spans.ended.length;
        end(stream, given!);
        await chunks.next().catch(() => undefined);
        expect(spans.ended).toHaveLength(before + 1);
      }
      const seen = spans.ended.map(({ status, attributes }) => [
        status.code,
        attributes['error.type'],
        attributes['http.response.status_code'],
      ]);
      expect(seen).toEqual([
        [api.SpanStatusCode.UNSET, undefined, 200],
        [api.SpanStatusCode.ERROR, 'upstream-unfit', 200],
        [api.SpanStatusCode.UNSET, 'cancelled', 200],
      ]);
    });

    test.each([
      ['giveUp', 'cancelled', api.SpanStatusCode.UNSET],
      ['timeOut', 'timeout', api.SpanStatusCode.ERROR],
    ] as const)('whose attempt ends by %s are %s', async (end, type, status) => {
      const silent = await caller.serve(() => {
        given?.[end]();
      });
      let given: Attempt | undefined;
      const begun = (attempt: Attempt): void => {
        given = attempt;
      };
      const subTask = caller.subTask({ url: `${silent.origin}/` });
      const calls = caller.heard();
      await expect(caller.call(subTask, { trace: attempt(), begun })).rejects.toThrow();
      expect(calls).toEqual([expect.objectContaining({ status: undefined, error: type })]);
      const [span] = spans.ended;
      expect([span?.status.code, span?.attributes['error.type']]).toEqual([status, type]);
    });
  });
});
