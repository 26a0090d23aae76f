/** The outcome of an attempt to deliver an event. */
export interface AttemptReport {
  /** When the attempt ended, in milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  /** Status of the answer; undefined where there was no answer. */
  readonly status?: number;
  /**
   * Why the attempt failed: `status`, `timeout`, `unreachable`, `forbidden-address`, or `sealed` for a secret that can't be opened.
   * `breaker-open` and `gone`: no request was made.
   */
  readonly error?: string;
  /** Says more about the failure, for people. */
  readonly message?: string;
  /** The beginning of the answer’s body, where the answer was an error. */
  readonly excerpt?: string;
  /** When the delivery's first attempt ended, in milliseconds since 1970. Set on attempts that failed. */
  readonly firstAt?: number;
}

/** Whether a request was made. None is made while the receiver's breaker is open, or when the receiver is gone. */
export function wasSent({ error }: AttemptReport): boolean {
  return error !== 'breaker-open' && error !== 'gone';
}

interface About {
  /** The id of the webhook; `runs` for a run's own webhook. */
  readonly webhook: string;
  /** The URL without its query. */
  readonly url: string;
}

interface AboutDelivery extends About {
  readonly event: number;
  readonly type: string;
  readonly runId: string;
  readonly task: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly report: AttemptReport;
  /** The run's `traceparent`, where it is known. The attempt's span links to the span that it names. */
  readonly traceparent?: string | undefined;
}

interface WebhookEvents {
  'webhook.delivered': AboutDelivery & {
    /** Time from the event to the answer, in milliseconds. */
    readonly delayMs: number;
  };
  'webhook.failing': AboutDelivery & {
    /** When the next attempt is due, in milliseconds since 1970. Null: none is, because the delivery is a dead letter now. */
    readonly nextAt: number | null;
  };
  'webhook.paused': About & {
    /** `request`: somebody asked for it; `gone`: the answer was 410; `failing`: nothing was delivered for too long. */
    readonly reason: 'request' | 'gone' | 'failing';
  };
}

export type WebhookEventKind = keyof WebhookEvents;

/** Something that happens to a webhook in this process. The log of events has none of these, else deliveries would cause deliveries. */
export type WebhookEvent<Kind extends WebhookEventKind = WebhookEventKind> = {
  [K in Kind]: WebhookEvents[K] & { readonly kind: K };
}[Kind];
