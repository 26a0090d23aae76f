import { fullJitter } from '../core/full-jitter.js';
import { milliseconds } from '../core/duration.js';
import { WEBHOOK_DEFAULTS } from '../core/webhook-defaults.js';
import type { AttemptReport } from '../core/webhook-event.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import { WEBHOOKS_OF_RUNS, type DeliveryState, type KeptDelivery } from '../run/webhook-keeping.js';
import type { Turn } from './endpoint.js';
import type { Message } from './message.js';

/** The event and webhook of a delivery. */
export type About = Pick<KeptDelivery, 'webhook' | 'event' | 'target' | 'runId' | 'task' | 'type'> & {
  /** Time of the event: RFC 3339. */
  readonly time: string;
};

/** Makes the attempts of a delivery. */
interface Owner {
  attempt(delivery: Delivery): Promise<number | undefined>;
  refused(delivery: Delivery): void;
}

/** An event on its way to a webhook, from when it is read until it is delivered, given up or kept for later. */
export class Delivery implements Turn {
  /** How many attempts were made since the delivery was created or redriven. */
  attempts = 0;
  isUnderWay = false;
  /** Whether the delivery has a row, or will have one. */
  isKept = false;
  /** Whether its run was erased: nothing is kept of the delivery any more. */
  isErased = false;
  report: AttemptReport | undefined;

  /**
   * @param takenAt when it was read, on the clock of `performance.now()`
   * @param isPatient whether it waits while the breaker of its endpoint is open
   */
  constructor(
    readonly about: About,
    readonly body: string,
    readonly terms: WebhookTarget,
    readonly traceparent: string | undefined,
    readonly takenAt: number,
    readonly isPatient: boolean,
    private readonly owner: Owner,
  ) {}

  /** Its name, unique within the webhook. */
  get name(): string {
    return nameOf(this.about);
  }

  get isLast(): boolean {
    return this.attempts + 1 >= this.retry.attempts;
  }

  /** Whether it was given up, and no attempt was made since. */
  get isRedriven(): boolean {
    return this.attempts === 0 && this.report !== undefined;
  }

  /** How long an attempt may take. */
  get timeoutMs(): number {
    return milliseconds(this.terms.timeout ?? WEBHOOK_DEFAULTS.timeout);
  }

  get message(): Message {
    const { event, type, time, runId, task } = this.about;
    return { id: String(event), type, time, runId, task, body: this.body, traceparent: this.traceparent };
  }

  attempt(): Promise<number | undefined> {
    return this.owner.attempt(this);
  }

  refused(): void {
    this.owner.refused(this);
  }

  /** Takes over the attempts that a row has recorded. */
  resume({ attempts, report }: Pick<KeptDelivery, 'attempts' | 'report'>): this {
    this.isKept = true;
    this.attempts = attempts;
    if (report !== null) this.report = JSON.parse(report) as AttemptReport;
    return this;
  }

  /** To be called when an attempt has ended. */
  attempted(report: AttemptReport): void {
    const firstAt = (this.attempts > 0 ? this.report?.firstAt : undefined) ?? report.at;
    this.attempts += 1;
    this.report = report.error === undefined ? report : { ...report, firstAt };
  }

  /** When the next attempt is due, in milliseconds since 1970; undefined after the last attempt. */
  nextAt(now: number, retryAfterMs: number): number | undefined {
    const { attempts, delay, maxDelay } = this.retry;
    if (this.attempts >= attempts) return undefined;
    const wait = Math.round(fullJitter(this.attempts, milliseconds(delay), milliseconds(maxDelay)));
    return now + Math.max(wait, retryAfterMs);
  }

  private get retry() {
    return { ...WEBHOOK_DEFAULTS.retry, ...this.terms.retry };
  }

  /** The delivery as a row. @param dueAt null when it waits for an earlier delivery, or is finished */
  row(state: DeliveryState, now: number, dueAt: number | null = null): KeptDelivery {
    const { time: _, ...about } = this.about;
    const { report, attempts } = this;
    const isOver = state === 'delivered';
    return {
      ...{ ...about, state, attempts, dueAt },
      changedAt: report?.at ?? now,
      report: report ? JSON.stringify(report) : null,
      body: isOver ? null : this.body,
      terms: isOver || about.webhook !== WEBHOOKS_OF_RUNS ? null : JSON.stringify(this.terms),
    };
  }
}

export function nameOf({ event, target }: Pick<KeptDelivery, 'event' | 'target'>): string {
  return `${event} ${target}`;
}
