import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as api from '@opentelemetry/api';
import { linked, ms, RecordedSpans, spanId } from '../../test/support/recorded-spans.js';
import type { RunEvent } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import { traceDelivery } from './delivery-trace.js';
import { Tracing, type TracedTerms } from './tracing.js';

const RUN = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
const BEFORE = `00-${'1'.repeat(32)}-${'3'.repeat(16)}-01`;

const terms = (traceparent: string | null) => ({
  id: 'r1',
  task: 'race',
  losers: 'continue' as const,
  replyPolicy: { policy: 'first-success' as const },
  origin: { traceparent },
});

/** What is on record of a run with one sub-task, which had an attempt. */
const record = (decision: object | null = null) =>
  ({ decision, subTasks: [{ name: 'slow', traceparent: BEFORE }] }) as unknown as RunRecord;

const event = (type: RunEvent['type'], data: object = {}) =>
  ({ type, subTask: 'slow', attempt: 2, time: new Date(1e12).toISOString(), data }) as unknown as RunEvent;

describe('Tracing', () => {
  let spans: RecordedSpans;
  let tracing: Tracing;
  beforeAll(() => {
    spans = RecordedSpans.register();
    tracing = Tracing.of(api)!;
  });
  beforeEach(() => {
    spans.ended.length = 0;
  });
  afterAll(() => {
    spans.unregister();
  });

  test.each([
    ['a child of it', null, spanId(RUN), [spanId(BEFORE)]],
    ['a root with a link to it, once there is a reply', {}, undefined, [spanId(BEFORE), spanId(RUN)]],
  ])('makes of an attempt of another node’s run %s', (_what, decision, parent, links) => {
    const { trace } = tracing.ofGuest<TracedTerms>(terms(RUN), record(decision));
    trace!.begin('slow', 2, {}, 1e12);
    trace!.committed(event('sub-task.succeeded'));
    const [span] = spans.ended;
    expect([span?.parentSpanContext?.spanId, linked(span!)]).toEqual([parent, links]);
  });

  test('makes no span of a run that was not sampled, wherever it goes on', () => {
    const unsampled = terms(RUN.replace(/1$/, '0'));
    expect(tracing.ofGuest(unsampled, record())).toBe(unsampled);
    expect(tracing.resumed(unsampled, record(), 1e12)).toBe(unsampled);
    expect(tracing.accepted(unsampled, 1e12)).toBe(unsampled);
  });

  test('begins a trace for a run that was on record without one', () => {
    const { trace } = tracing.resumed<TracedTerms>(terms(null), record(), 1e12);
    trace!.committed(
      event('run.replied', { status: 'failed', reply: { error: { code: 'run-cancelled', message: '' } } }),
    );
    const [span] = spans.ended;
    expect(span).toMatchObject({ name: 'run race', status: { code: api.SpanStatusCode.UNSET }, links: [] });
  });

  test('makes of an attempt to deliver an event a client span with a link to its run, if that was sampled', () => {
    const report = { at: 1e12 + 250, tookMs: 250, status: 503, error: 'status' };
    const about = {
      webhook: 'w',
      url: 'https://a.example/in',
      event: 7,
      type: 'run.finished',
      runId: 'r1',
      task: 'race',
    };
    const failing = { kind: 'webhook.failing' as const, ...about, attempt: 2, nextAt: null, report };
    traceDelivery(tracing.spans, { ...failing, traceparent: RUN });
    traceDelivery(tracing.spans, failing);
    traceDelivery(tracing.spans, { ...failing, traceparent: RUN.replace(/1$/, '0') });
    traceDelivery(tracing.spans, {
      ...failing,
      traceparent: RUN,
      report: { ...report, error: 'breaker-open' },
    });
    expect(spans.ended).toHaveLength(1);
    const [span] = spans.ended;
    expect(span).toMatchObject({
      name: 'webhook run.finished',
      kind: api.SpanKind.CLIENT,
      status: { code: api.SpanStatusCode.ERROR },
      parentSpanContext: undefined,
      attributes: {
        'url.full': 'https://a.example/in',
        'server.address': 'a.example',
        'http.response.status_code': 503,
        'error.type': '503',
        'frontrunner.webhook': 'w',
        'frontrunner.run.id': 'r1',
        'frontrunner.attempt': 2,
      },
    });
    expect([ms(span!.startTime), ms(span!.endTime)]).toEqual([1e12, 1e12 + 250]);
    expect(linked(span!)).toEqual([spanId(RUN)]);
  });

  test('ends what is open when the process has nothing to do with the run any more', () => {
    const { trace } = tracing.accepted<TracedTerms>(terms(null), 1e12);
    trace!.begin('slow', 1, {}, 1e12);
    trace!.left(1e12);
    trace!.left(1e12);
    expect(spans.ended.map(({ name, attributes }) => [name, Object.entries(attributes).at(-1)])).toEqual([
      ['run race', ['frontrunner.left', true]],
      ['sub-task slow', ['frontrunner.outcome', 'unfinished']],
    ]);
  });
});

describe('span processors and propagators that throw', () => {
  test('break nothing', () => {
    const throws = (): never => {
      throw new Error('of a processor');
    };
    const spans = RecordedSpans.register();
    const failed: string[] = [];
    const none = () => undefined;
    api.diag.setLogger({
      error: (text) => failed.push(text),
      warn: none,
      info: none,
      debug: none,
      verbose: none,
    });
    const tracing = Tracing.of(api)!;
    spans.onEnd = throws;
    const { trace, origin } = tracing.accepted<TracedTerms>(terms(null), 1e12);
    trace!.begin('slow', 2, {}, 1e12);
    trace!.committed(event('sub-task.succeeded'));
    expect(failed).toEqual(['A span failed: of a processor']);
    expect(origin.traceparent).toMatch(/-01$/);

    spans.onStart = throws;
    const other = tracing.accepted<TracedTerms>(terms(null), 1e12);
    expect(other.origin.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(other.trace!.begin('slow', 2, {}, 1e12)).toBeUndefined();

    api.propagation.disable();
    api.propagation.setGlobalPropagator({ inject: throws, extract: throws, fields: () => [] });
    expect(tracing.spans.extract({})).toBeUndefined();
    tracing.spans.inject(tracing.spans.start('call', {}), [], { set: none });
    expect(failed).toHaveLength(5);
    api.diag.disable();
    spans.unregister();
  });
});
