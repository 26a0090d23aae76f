import type { Attributes } from '@opentelemetry/api';
import { serverOf } from '../core/server-address.js';
import { wasSent, type WebhookEvent } from '../core/webhook-event.js';
import { isSampled, spanContextOf } from './span-context.js';
import type { Spans } from './spans.js';

/**
 * Makes the client span of an attempt to deliver an event, which has ended, with a link to its run. It begins a trace: the run may have ended
 * hours ago. A run that was not sampled has none, and neither has an attempt that sent nothing.
 */
export function traceDelivery(
  spans: Spans,
  event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>,
): void {
  const { type, traceparent, report } = event;
  const run = traceparent === undefined ? undefined : spanContextOf(traceparent);
  if (!run || !isSampled(run) || !wasSent(report)) return;
  const span = spans.start(`webhook ${type}`, {
    kind: spans.api.SpanKind.CLIENT,
    startTime: report.at - report.tookMs,
    attributes: attributesOf(event),
    links: [{ context: run }],
  });
  const error = report.error === 'status' ? String(report.status) : report.error;
  if (error !== undefined) {
    span.setAttribute('error.type', error);
    span.setStatus({ code: spans.api.SpanStatusCode.ERROR });
  }
  spans.end(span, report.at);
}

function attributesOf(event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): Attributes {
  const { url, report } = event;
  const origin = URL.parse(url)?.origin;
  const server = origin === undefined ? undefined : serverOf(origin);
  return {
    'http.request.method': 'POST',
    'url.full': url,
    ...(server && { 'server.address': server.address, 'server.port': server.port }),
    ...(report.status !== undefined && { 'http.response.status_code': report.status }),
    'frontrunner.webhook': event.webhook,
    'frontrunner.event.id': event.event,
    'frontrunner.run.id': event.runId,
    'frontrunner.task': event.task,
    'frontrunner.attempt': event.attempt,
  };
}
