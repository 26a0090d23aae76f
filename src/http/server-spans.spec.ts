import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import type { Request, Response } from 'express';
import { RecordedSpans, spanId } from '../../test/support/recorded-spans.js';
import { Tracing } from '../tracing/tracing.js';
import type { Operations } from './operations.js';
import { contextOf } from './request-context.js';
import { serverSpans } from './server-spans.js';

const operations = { routeOf: () => '/runs/{id}' } as unknown as Operations;

describe('the server span of a request', () => {
  let spans: RecordedSpans;
  beforeAll(() => {
    spans = RecordedSpans.register();
  });
  afterAll(() => {
    spans.unregister();
  });

  /** Receives a request, and answers it as told. */
  const receive = (answer: object, headers: object = {}): Request => {
    const request = { method: 'GET', originalUrl: '/runs/1', baseUrl: '/base', headers } as Request;
    const response = Object.assign(new EventEmitter(), answer);
    serverSpans(Tracing.of(api)!.spans, operations)(
      request,
      response as unknown as Response,
      () => undefined,
    );
    response.emit('close');
    return request;
  };

  test.each([
    [{ headersSent: true, statusCode: 503 }, '503'],
    [{ headersSent: false, statusCode: 200 }, 'aborted'],
    [{ headersSent: true, statusCode: 404 }, undefined],
  ])('of the answer %j has the error %j', async (answer, type) => {
    spans.ended.length = 0;
    receive(answer);
    const [span] = spans.ended;
    expect(span).toMatchObject({
      name: 'GET /base/runs/{id}',
      attributes: { 'http.route': '/base/runs/{id}' },
    });
    expect(span?.attributes['error.type']).toBe(type);
    expect(span?.status.code).toBe(type ? api.SpanStatusCode.ERROR : api.SpanStatusCode.UNSET);
  });

  test('is that of the application around, where there is one', () => {
    spans.ended.length = 0;
    const host = api.trace.getTracer('host').startSpan('GET');
    const active = api.trace.setSpan(api.context.active(), host);
    const request = api.context.with(active, () => receive({ headersSent: true, statusCode: 200 }));
    expect(contextOf(request)).toMatchObject({ parent: host.spanContext() });
    expect(spanId(contextOf(request).traceparent!)).toBe(spanId(host.spanContext()));
    expect(spans.ended).toEqual([]);
  });

  test('has no tracestate of a caller whose traceparent isn’t valid', () => {
    const { headers } = receive({}, { traceparent: 'none', tracestate: 'vendor=1' });
    expect(headers).not.toHaveProperty('tracestate');
  });
});

describe('without a tracer provider', () => {
  test('there is no tracing, whether the API is installed or not', () => {
    expect([Tracing.of(undefined), Tracing.of(api)]).toEqual([null, null]);
  });
});
