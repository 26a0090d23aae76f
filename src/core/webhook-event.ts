/** What an attempt to deliver an event came to. */
export interface AttemptReport {
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  /** Of the answer; undefined where there was none. */
  readonly status?: number;
  /** Why it failed: `status`, `timeout`, `unreachable`, `forbidden-address`, `sealed` for a secret that can't be opened. */
  readonly error?: string;
  /** Says more of that, for people. */
  readonly message?: string;
  /** The beginning of the answer’s body, of one that was refused. */
  readonly excerpt?: string;
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
}

/** What happens to webhooks in this process. It isn't in the log of events: deliveries would be delivered. */
export type WebhookEvent =
  | ({ readonly kind: 'webhook.delivered'; readonly delayMs: number } & AboutDelivery)
  /** `nextAt`: when the next attempt is due, in milliseconds since 1970; null when none is, for it is a dead letter now. */
  | ({ readonly kind: 'webhook.failing'; readonly nextAt: number | null } & AboutDelivery)
  | ({ readonly kind: 'webhook.paused'; readonly reason: 'request' | 'gone' | 'failing' } & About);
