import type { AnsweredRequest, Compared, Hearer, Sharing, UpstreamCall } from '../core/measures.js';
import type { RunEvent, StreamMeasures, SubTaskEvent } from '../core/events.js';
import { serverOf } from '../core/server-address.js';
import { wasSent, type WebhookEvent } from '../core/webhook-event.js';
import type { CommittedEvent } from '../events/event-bus.js';
import { Instruments, type OurMeter, type Tell } from './instruments.js';

/** Most webhooks with counts of their own, so that the counts can't grow without bound while webhooks come and go. */
const MOST_WEBHOOKS = 1_000;

/** Records committed events and durations in a meter, from its creation on. */
export class Recorder implements Hearer {
  private readonly instruments: Instruments;
  private readonly webhooks = new Set<string>();

  /** @param state reports current values when the meter is read */
  constructor(meter: OurMeter, state: (tell: Tell) => void) {
    this.instruments = new Instruments(meter, state);
  }

  /** The events that this process has committed. */
  readonly hear = (committed: readonly CommittedEvent[]): void => {
    for (const { event, run } of committed) this.hearOne(event, run);
  };

  answered({ method, scheme, route, status, aborted, tookMs }: AnsweredRequest): void {
    const failed = status !== undefined && status >= 500 ? String(status) : undefined;
    const error = aborted ? 'aborted' : failed;
    this.instruments.record(
      'http.server.request.duration',
      tookMs / 1000,
      method,
      scheme,
      route,
      status,
      error,
    );
  }

  called({ method, origin, status, error, tookMs }: UpstreamCall): void {
    const { address, port } = serverOf(origin);
    const failed = status !== undefined && status >= 400 ? String(status) : undefined;
    this.instruments.record(
      'http.client.request.duration',
      tookMs / 1000,
      method,
      address,
      port,
      status,
      error ?? failed,
    );
  }

  committed(tookMs: number, events: number): void {
    this.instruments.record('frontrunner.journal.commit.duration', tookMs / 1000);
    this.instruments.record('frontrunner.journal.batch.size', events);
  }

  attempted(event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>): void {
    const { instruments, webhooks } = this;
    const { webhook, report } = event;
    const isDelivered = event.kind === 'webhook.delivered';
    const outcome = isDelivered ? 'delivered' : event.nextAt === null ? 'dead' : 'failed';
    if (webhooks.size < MOST_WEBHOOKS) webhooks.add(webhook);
    instruments.count('frontrunner.webhook.deliveries', webhooks.has(webhook) ? webhook : 'other', outcome);
    const error = report.error === 'status' ? String(report.status) : report.error;
    if (wasSent(report))
      instruments.record('frontrunner.webhook.delivery.duration', report.tookMs / 1000, error);
    if (isDelivered) instruments.record('frontrunner.webhook.delay', event.delayMs / 1000);
  }

  shared(task: string, how: Sharing): void {
    this.instruments.count('frontrunner.requests.shared', task, how);
  }

  compared(task: string, shadow: string, how: Compared): void {
    this.instruments.count('frontrunner.shadow.comparisons', task, shadow, how);
  }

  /** Removes its callbacks from the meter. */
  end(): void {
    this.instruments.end();
  }

  private hearOne(event: RunEvent, run: CommittedEvent['run']): void {
    const { instruments } = this;
    const { task } = event;
    if ('subTask' in event && 'stream' in event.data) this.streamed(event, event.data.stream);
    switch (event.type) {
      case 'run.started':
        instruments.count('frontrunner.runs.started', task);
        return;
      case 'run.replied':
        this.replied(event, run);
        return;
      case 'run.finished': {
        if (run.startedAt === undefined) return;
        const tookMs = Math.max(0, Date.parse(event.time) - Date.parse(run.startedAt));
        instruments.record('frontrunner.run.duration', tookMs / 1000, task, event.data.status);
        return;
      }
      case 'sub-task.started':
        instruments.count('frontrunner.subtask.attempts', task, event.subTask);
        if (event.data.trigger === 'delay')
          instruments.count('frontrunner.hedges.started', task, event.subTask);
        return;
      case 'sub-task.held-back':
        instruments.count('frontrunner.hedges.held_back', task, event.subTask);
        return;
      case 'sub-task.succeeded':
        this.ended(event, 'succeeded', undefined);
        return;
      case 'sub-task.failed':
        this.ended(event, 'failed', event.data.error.code);
        return;
      case 'sub-task.cancelled':
        this.ended(event, 'cancelled', undefined);
        return;
      case 'sub-task.progressed':
      case 'sub-task.streamed':
      case 'sub-task.retrying':
      case 'sub-task.skipped':
      case 'run.reopened':
      case 'run.erased':
        return;
      default:
        event satisfies never;
    }
  }

  /** When several sub-tasks make a reply together, the reply waited for the last of them. */
  private replied({ task, data }: RunEvent<'run.replied'>, { terms }: CommittedEvent['run']): void {
    const { reply, durationMs } = data;
    if (durationMs === undefined) return;
    const winner = 'error' in reply ? undefined : [reply.answeredBy].flat().at(-1);
    const error = 'error' in reply ? reply.error.code : undefined;
    const policy = terms?.replyPolicy.policy;
    this.instruments.record('frontrunner.run.reply.duration', durationMs / 1000, task, policy, winner, error);
  }

  private streamed({ task, subTask, type }: SubTaskEvent, stream: StreamMeasures): void {
    const { chunks, bytes, firstChunkMs, tokens } = stream;
    const { instruments } = this;
    if (firstChunkMs !== undefined)
      instruments.record('frontrunner.subtask.first_chunk.duration', firstChunkMs / 1000, task, subTask);
    if (type === 'sub-task.succeeded') return;
    const outcome = type === 'sub-task.cancelled' ? 'cancelled' : 'failed';
    instruments.add('frontrunner.subtask.cut.chunks', chunks, task, subTask, outcome);
    instruments.add('frontrunner.subtask.cut.size', bytes, task, subTask, outcome);
    if (tokens !== undefined)
      instruments.add('frontrunner.subtask.cut.tokens', tokens, task, subTask, outcome);
  }

  private ended(
    { task, subTask, data }: RunEvent<'sub-task.succeeded' | 'sub-task.failed' | 'sub-task.cancelled'>,
    outcome: string,
    error: string | undefined,
  ): void {
    const seconds = Math.max(0, data.durationMs) / 1000;
    this.instruments.record('frontrunner.subtask.duration', seconds, task, subTask, outcome, error);
  }
}
