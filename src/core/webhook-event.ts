/** What an attempt to deliver an event came to. */
export interface AttemptReport {
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  /** Of the answer; undefined where there was none. */
  readonly status?: number;
  /**
   * Why it failed: `status`, `timeout`, `unreachable`, `forbidden-address`, `sealed` for a secret that can't be opened; `breaker-open` and
   * `gone` where no request was made.
   */
  readonly error?: string;
  /** Says more of that, for people. */
  readonly message?: string;
  /** The beginning of the answer’s body, of one that was refused. */
  readonly excerpt?: string;
  /** When the first attempt of the delivery had ended; of one that has failed. */
  readonly firstAt?: number;
}

/** Whether a request was made: none is while a receiver fails all the time, nor to one that is gone. */
export function wasSent({ error }: AttemptReport): boolean {
  return error !== 'breaker-open' && error !== 'gone';
}

interface About {
  /** The id of the webhook; `runs` for one that a run has of its own. */
  readonly webhook: string;
  /** Without its query. */
  readonly url: string;
}

interface AboutDelivery extends About {
  readonly event: number;
  readonly type: string;
  readonly runId: string;
  readonly task: string;
  /** From 1. */
  readonly attempt: number;
  readonly report: AttemptReport;
  /** That of the run, where it is known: the span of the attempt has a link to it. */
  readonly traceparent?: string | undefined;
}

interface WebhookEvents {
  'webhook.delivered': AboutDelivery & {
    /** From the time of the event to the answer. */
    readonly delayMs: number;
  };
  'webhook.failing': AboutDelivery & {
    /** When the next attempt is due, in milliseconds since 1970; null when none is, for it is a dead letter now. */
    readonly nextAt: number | null;
  };
  'webhook.paused': About & {
    /** `request`: somebody asked for it; `gone`: the answer was 410; `failing`: nothing was delivered for too long. */
    readonly reason: 'request' | 'gone' | 'failing';
  };
}

export type WebhookEventKind = keyof WebhookEvents;

/** What happens to webhooks in this process. It isn't in the log of events: deliveries would be delivered. */
export type WebhookEvent<Kind extends WebhookEventKind = WebhookEventKind> = {
  [K in Kind]: WebhookEvents[K] & { readonly kind: K };
}[Kind];
