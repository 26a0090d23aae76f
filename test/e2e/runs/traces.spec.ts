import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { context, SpanKind, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Test } from '@nestjs/testing';
import { EventBus } from '../../../src/events/event-bus.js';
import { Frontrunner, FrontrunnerModule } from '../../../src/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { ControlledTask } from '../../support/controlled-task.js';
import { DurableService } from '../../support/durable-service.js';
import { inlineTask } from '../../support/inline-task.js';
import { has, linked, ms, RecordedSpans, spanId } from '../../support/recorded-spans.js';
import { TestApp } from '../../support/test-app.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE_ID}-${CALLER}-01`;

const race = () =>
  new ControlledTask('race', { fast: {}, slow: { retry: { attempts: 2, delay: '1ms', maxDelay: '1ms' } } });

/** What is active while an attempt runs. */
const ACTIVE = inlineTask('active', {
  only: { run: () => trace.getActiveSpan()?.spanContext().spanId },
});

const traceId = (span: ReadableSpan) => span.spanContext().traceId;
const parentId = (span: ReadableSpan) => span.parentSpanContext?.spanId;

describe('with traces on', () => {
  let spans: RecordedSpans;
  let service: TestApp;
  const task = race();
  beforeAll(async () => {
    spans = RecordedSpans.register();
    service = await TestApp.start({ providers: [...task.providers, ...ACTIVE] });
  });
  afterAll(async () => {
    await service.close();
    spans.unregister();
  });

  const ofRun = (runId: string, name: string, attributes: Attributes = {}) =>
    spans.span(name, { ...attributes, 'frontrunner.run.id': runId });
  const attemptOf = (run: ReadableSpan, name: string, attributes: Attributes = {}) =>
    spans.when(
      (span) => span.name === `sub-task ${name}` && parentId(span) === spanId(run) && has(span, attributes),
    );
  const serverOf = (run: ReadableSpan) => spans.when((span) => spanId(span) === parentId(run));
  const start = (headers: Readonly<Record<string, string>> = {}, request: object = {}) =>
    service.http.post('/tasks/race/runs').set(headers).send(request);

  test('makes a span of an attempt to deliver an event to a webhook', async () => {
    const about = {
      webhook: 'w',
      url: 'https://a.example/',
      event: 1,
      type: 'run.finished',
      runId: 'r',
      task: 't',
    };
    const told = {
      ...about,
      attempt: 1,
      report: { at: 1e12, tookMs: 1, status: 204 },
      traceparent: TRACEPARENT,
    };
    service.app.get(EventBus).publishWebhook({ kind: 'webhook.delivered', delayMs: 2, ...told });
    expect(linked(await spans.span('webhook run.finished', { 'frontrunner.webhook': 'w' }))).toEqual([
      CALLER,
    ]);
  });

  test('the trace of a request goes on with that of the caller, and ends with the answer', async () => {
    const answer = start({ traceparent: TRACEPARENT, tracestate: 'vendor=1' }).then((it) => it);
    const { fast, slow } = await task.all();
    const { runId, traceparent } = fast.context;
    fast.succeed('won');
    await answer;
    const run = await ofRun(runId, 'run race');
    const server = await serverOf(run);
    expect(server.name).toBe('POST /tasks/{name}/runs');
    expect(server.kind).toBe(SpanKind.SERVER);
    expect(server.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: CALLER, isRemote: true });
    expect(server.spanContext().traceState?.serialize()).toBe('vendor=1');
    expect(server.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/tasks/{name}/runs',
      'http.response.status_code': 200,
      'url.path': '/tasks/race/runs',
      'url.scheme': 'http',
    });

    expect(run.attributes).toMatchObject({
      'frontrunner.task': 'race',
      'frontrunner.reply.policy': 'first-success',
      'frontrunner.run.status': 'running',
      'frontrunner.winner': 'fast',
    });
    const [started, replied] = await Promise.all([
      service.event(runId, 'run.started'),
      service.event(runId, 'run.replied'),
    ]);
    expect(ms(run.endTime)).toBe(Date.parse(replied.time));
    expect(spanId(started.data.traceparent!)).toBe(spanId(run));

    const won = await attemptOf(run, 'fast');
    expect([parentId(won), spanId(won)]).toEqual([spanId(run), spanId(traceparent)]);
    expect(won.attributes).toMatchObject({
      'frontrunner.attempt': 1,
      'frontrunner.trigger': 'start',
      'frontrunner.outcome': 'succeeded',
    });
    const unfinished = await attemptOf(run, 'slow', { 'frontrunner.outcome': 'unfinished' });
    expect(parentId(unfinished)).toBe(spanId(run));
    expect(ms(unfinished.endTime)).toBe(ms(run.endTime));

    // What goes on after the reply has traces of its own.
    const after = slow.context.traceparent;
    slow.fail(new Error('too late'));
    (await task.next('slow')).succeed();
    await service.event(runId, 'run.finished');
    const failed = await ofRun(runId, 'sub-task slow', { 'frontrunner.outcome': 'failed' });
    expect([traceId(failed) === TRACE_ID, parentId(failed), spanId(failed)]).toEqual([
      false,
      undefined,
      spanId(after),
    ]);
    expect(linked(failed)).toEqual([spanId(unfinished)]);
    expect(ms(failed.startTime)).toBe(ms(run.endTime));
    expect(failed.status).toMatchObject({ code: SpanStatusCode.ERROR, message: 'too late' });
    expect(failed.events).toMatchObject([
      { name: 'exception', attributes: { 'exception.type': 'threw', 'exception.message': 'too late' } },
    ]);
    const again = await ofRun(runId, 'sub-task slow', { 'frontrunner.outcome': 'succeeded' });
    expect(parentId(again)).toBeUndefined();
    expect(linked(again)).toEqual([spanId(unfinished), spanId(run)]);
    expect(again.attributes).toMatchObject({ 'frontrunner.attempt': 2, 'frontrunner.trigger': 'retry' });
    const inTrace = spans.ended.filter((span) => traceId(span) === TRACE_ID).map(({ name }) => name);
    expect(inTrace.sort()).toEqual(['POST /tasks/{name}/runs', 'run race', 'sub-task fast', 'sub-task slow']);
  });

  test('a retry before the reply is a child too, with a link to the attempt before it', async () => {
    const answer = start().then((it) => it);
    const { fast, slow } = await task.all();
    slow.fail(new Error('at first'));
    const again = await task.next('slow');
    fast.fail(new Error('no'));
    again.succeed();
    await answer;
    const { runId } = again.context;
    const run = await ofRun(runId, 'run race');
    const failed = await attemptOf(run, 'slow', { 'frontrunner.attempt': 1 });
    const succeeded = await attemptOf(run, 'slow', { 'frontrunner.attempt': 2 });
    expect([parentId(failed), parentId(succeeded)]).toEqual([spanId(run), spanId(run)]);
    expect(linked(succeeded)).toEqual([spanId(failed)]);
    expect(run.attributes).toMatchObject({ 'frontrunner.winner': 'slow' });
    // No caller had a trace: the request begins one, which the run tells of.
    expect((await service.showRun(runId)).traceparent).toBe(`00-${traceId(run)}-${spanId(run)}-01`);
  });

  test('losers that the reply cancels end with it', async () => {
    const answer = start({}, { losers: 'cancel' }).then((it) => it);
    const { fast } = await task.all();
    fast.succeed();
    await answer;
    const { runId } = fast.context;
    await service.event(runId, 'run.finished');
    const run = await ofRun(runId, 'run race');
    const cancelled = await attemptOf(run, 'slow', { 'frontrunner.outcome': 'cancelled' });
    expect([parentId(cancelled), ms(cancelled.endTime)]).toEqual([spanId(run), ms(run.endTime)]);
    expect(spans.ended.filter(({ attributes }) => attributes['frontrunner.run.id'] === runId)).toEqual([run]);
  });

  test('a run that fails is an error, and so is its answer where that is the service’s fault alone', async () => {
    const answer = start().then((it) => it);
    const { fast, slow } = await task.all();
    fast.fail(new Error('no'));
    slow.fail(new Error('no'));
    (await task.next('slow')).fail(new Error('no'));
    const { status } = await answer;
    const run = await ofRun(fast.context.runId, 'run race');
    expect(run.status).toMatchObject({ code: SpanStatusCode.ERROR });
    expect(run.attributes).toMatchObject({ 'error.type': 'run-failed', 'frontrunner.run.status': 'failed' });
    const server = await serverOf(run);
    expect(server.attributes).toMatchObject({ 'http.response.status_code': status });
    expect(server.status.code).toBe(status >= 500 ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
  });

  test('a request that is refused has a server span, and its address is told without its query', async () => {
    await service.http.post('/tasks/nobody/runs').set('traceparent', TRACEPARENT).expect(404);
    const server = await spans.span('POST /tasks/{name}/runs', { 'http.response.status_code': 404 });
    expect([server.status.code, traceId(server)]).toEqual([SpanStatusCode.UNSET, TRACE_ID]);
    await service.http.get('/nowhere?token=secret').expect(404);
    const unknown = await spans.span('GET', { 'url.path': '/nowhere' });
    expect(JSON.stringify(unknown.attributes)).not.toContain('secret');
  });

  test('an attempt runs with its span as the active one', async () => {
    const { result, runId } = await service.answer('active');
    expect(result).toBe(spanId(await attemptOf(await ofRun(runId, 'run active'), 'only')));
  });

  test('nothing is recorded of what the caller has not sampled, and upstreams are told so', async () => {
    const unsampled = TRACE_ID.replace('4', '5');
    const answer = start({ traceparent: `00-${unsampled}-${CALLER}-00` }).then((it) => it);
    const { fast, slow } = await task.all();
    expect(fast.context.traceparent).toMatch(new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`));
    fast.succeed();
    slow.succeed();
    await answer;
    const { runId } = fast.context;
    await service.event(runId, 'run.finished');
    const started = await service.event(runId, 'sub-task.started');
    expect(started.data).toEqual({});
    expect(spans.ended.map(traceId)).not.toContain(unsampled);
  });
});

describe('after a crash', () => {
  const durable = new DurableService();
  const task = race();
  let spans: RecordedSpans;
  beforeAll(() => {
    spans = RecordedSpans.register();
  });
  afterAll(async () => {
    await durable.end();
    spans.unregister();
  });

  test('attempts that are resumed have links to those before, whether the run was replied or not', async () => {
    const service = await durable.start(task.providers);
    const runs: Record<string, { readonly runId: string; readonly run: string; readonly slow: string }> = {};
    for (const which of ['replied', 'open']) {
      const answer = service.run('race').then(
        (it) => it,
        (it: unknown) => it,
      );
      const { fast, slow } = await task.all();
      const { runId } = fast.context;
      const { traceparent } = (await service.event(runId, 'run.started')).data;
      await service.event(runId, 'sub-task.started', 'slow');
      runs[which] = { runId, run: spanId(traceparent!), slow: spanId(slow.context.traceparent) };
      if (which === 'replied') {
        fast.succeed();
        await answer;
        await service.event(runId, 'run.replied');
      }
    }
    durable.crash();
    await service.close();
    spans.ended.length = 0;

    const next = await durable.start(task.providers);
    const resumed = [await task.next('slow'), await task.next('slow'), await task.next('fast')];
    for (const attempt of resumed) attempt.succeed();
    for (const { runId } of Object.values(runs)) await next.event(runId, 'run.finished');

    const { replied, open } = runs;
    const background = await spans.span('sub-task slow', { 'frontrunner.run.id': replied!.runId });
    expect(parentId(background)).toBeUndefined();
    expect(linked(background)).toEqual([replied!.slow, replied!.run]);
    const run = await spans.span('run race', { 'frontrunner.resumed': true });
    expect([parentId(run), linked(run)]).toEqual([undefined, [open!.run]]);
    const attempt = await spans.when(
      (span) => span.name === 'sub-task slow' && parentId(span) === spanId(run),
    );
    expect(linked(attempt)).toEqual([open!.slow]);
    expect(attempt.attributes).toMatchObject({ 'frontrunner.attempt': 2 });
  });
});

describe('within an application', () => {
  test('the span of a run is a child of the one that is active', async () => {
    const spans = RecordedSpans.register();
    const module = await Test.createTestingModule({
      imports: [FrontrunnerModule.forRoot({ database: 'memory:', http: false })],
      providers: ACTIVE,
    })
      .setLogger(new CapturedLog())
      .compile();
    const app = await module.init();
    const host = trace.getTracer('host').startSpan('of the host');
    const run = await context.with(trace.setSpan(context.active(), host), () =>
      app.get(Frontrunner).start('active'),
    );
    await run.finished();
    const { parentSpanContext } = await spans.span('run active', {});
    expect(parentSpanContext).toBe(host.spanContext());
    await app.close();
    spans.unregister();
  });
});
