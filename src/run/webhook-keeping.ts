/** The id of the webhook that stands for all webhooks that runs name themselves. It is added with the first of them. */
export const WEBHOOKS_OF_RUNS = 'runs';

/** A webhook as the journal keeps it. The journal doesn't look into `terms`. */
export interface KeptWebhook {
  /** A UUIDv7, or {@link WEBHOOKS_OF_RUNS}. */
  readonly id: string;
  /** JSON of `WebhookTerms`; `{}` of {@link WEBHOOKS_OF_RUNS}. */
  readonly terms: string;
  /** The `clientId` of its maker; null where nobody needed a key. */
  readonly client: string | null;
  /** In whole milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  /** Grows by one with each change of `terms` or `paused`. */
  readonly revision: number;
  /** Why the webhook is paused; null while it is active. `request`: somebody asked for it; `gone`: 410; `failing`: too long. */
  readonly paused: WebhookPause | null;
  /** Since when the webhook is paused for this reason; null while it is active. */
  readonly pausedAt: number | null;
  /** Each event up to this one was delivered, is kept as a delivery, or is not for this webhook. Reading goes on after it. */
  readonly cursor: number;
  /** The time of that event. Runs that have finished since are kept, whatever `RUN_RETENTION` says. */
  readonly cursorAt: number;
}

/** A new webhook, which gets the events from now on. @param lastEventId the last event that it doesn’t get */
export function newWebhook(
  webhook: Pick<KeptWebhook, 'id' | 'terms' | 'client' | 'createdAt'>,
  lastEventId: number,
  now: number,
): KeptWebhook {
  return { ...webhook, revision: 1, paused: null, pausedAt: null, cursor: lastEventId, cursorAt: now };
}

export type WebhookPause = 'request' | 'gone' | 'failing';

/** The part of a webhook that can be changed. */
export type WebhookChange = Pick<KeptWebhook, 'terms' | 'paused'>;

export type HeldWebhook = KeptWebhook & {
  /** Set where the webhook exceeds this node's share: the node releases it as soon as no attempt is under way. */
  readonly surplus?: true;
};

/** `waiting`: for its first or next attempt, or for an earlier one of its run; `dead`: given up. */
export const DELIVERY_STATES = ['waiting', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How many delivered deliveries are kept of a webhook: the newest. */
export const MOST_DELIVERED = 1_000;

/** A delivery that waits, is given up, was delivered after a retry, or was delivered lately. */
export interface KeptDelivery {
  /** The id of its {@link KeptWebhook}. */
  readonly webhook: string;
  /** The id of its event. */
  readonly event: number;
  /** For {@link WEBHOOKS_OF_RUNS}: which of the run's webhooks, from 0; otherwise 0. These three members name the delivery. */
  readonly target: number;
  readonly runId: string;
  readonly task: string;
  readonly type: string;
  readonly state: DeliveryState;
  /** Attempts since the delivery was made or redriven. */
  readonly attempts: number;
  /** When the next attempt is due; null when none is. A delivery that waits for an earlier one, with null here, is due as soon as that is done. */
  readonly dueAt: number | null;
  /** When the last attempt ended; without an attempt, when the delivery was kept. */
  readonly changedAt: number;
  /** JSON of the last attempt's `AttemptReport`; null before the first attempt. */
  readonly report: string | null;
  /** JSON of the event as the API shows it; null once it is delivered. */
  readonly body: string | null;
  /** For {@link WEBHOOKS_OF_RUNS}: JSON of the `WebhookTarget`, until it is delivered; otherwise null. */
  readonly terms: string | null;
}

/** Progress of a webhook at its node. It is recorded in one commit. */
export interface WebhookProgress {
  readonly cursor: number;
  readonly cursorAt: number;
  /** Deliveries to add or to replace. */
  readonly deliveries: readonly KeptDelivery[];
  /** Pauses the webhook, unless it is paused already. */
  readonly pause?: WebhookPause;
}

/** Selects deliveries. A member that is left out excludes nothing. */
export interface DeliveryQuery {
  readonly webhook?: string;
  readonly states?: readonly DeliveryState[];
  readonly runId?: string;
  readonly event?: number;
  readonly target?: number;
  /** Changed at `since` or later, and before `until`. */
  readonly since?: number;
  readonly until?: number;
}

/** Position of a delivery in lists: the newest event first, then by webhook and target. */
export interface DeliveryPosition {
  readonly event: number;
  readonly webhook: string;
  readonly target: number;
}

/** How many deliveries of a webhook wait, and how many are given up. */
export interface DeliveryCounts {
  readonly waiting: number;
  readonly dead: number;
}

/**
 * Keeps webhooks and deliveries beside the log, for all processes that share a journal. Each call throws `journal-unavailable` if it can't be done.
 *
 * One node at a time holds a webhook and delivers it. A dead node holds nothing; what it had not recorded is delivered
 * again by the next one.
 *
 * Deliveries of an erased run are deleted, and none is recorded after that. Delivered ones are deleted when there are 1,000 newer ones of
 * their webhook, or a little later. Dead ones are deleted when they are older than `RUN_RETENTION`. Removing a webhook deletes its
 * deliveries. In memory the oldest are dropped, too, where a webhook has more than 10,000 undelivered ones, or 8 MB of them.
 */
export interface WebhookKeeping {
  /** All webhooks, the newest first. */
  list(): Promise<KeptWebhook[]>;
  get(id: string): Promise<KeptWebhook | undefined>;
  /** @returns false when there is a webhook with this id */
  add(webhook: KeptWebhook): Promise<boolean>;
  /**
   * Replaces terms and pause, and counts a revision.
   *
   * @returns false when the webhook has another revision by now, or is gone
   */
  change(id: string, revision: number, changed: WebhookChange): Promise<boolean>;
  /** @returns false when there was none */
  remove(id: string): Promise<boolean>;

  /**
   * Takes webhooks that no living node holds, as many as make its fair share.
   *
   * @returns all that this node holds now; paused ones too
   */
  hold(): Promise<HeldWebhook[]>;
  /** Releases one webhook, or all. After releasing all, the node takes no webhooks until it calls `hold` again. */
  release(id?: string): Promise<void>;
  /** @returns false when this node no longer holds the webhook: then nothing was recorded */
  settle(id: string, progress: WebhookProgress): Promise<boolean>;
  /**
   * Due deliveries of a webhook, each the first waiting one of its run and target. Those that are due for the longest come
   * first.
   */
  due(id: string, now: number, limit: number): Promise<KeptDelivery[]>;
  /** When the next delivery is due; undefined when none waits. */
  nextDueAt(id: string): Promise<number | undefined>;
  /** The runs and targets, among some runs, with a waiting delivery of this webhook, each as `${runId} ${target}`. */
  waitingOf(id: string, runIds: readonly string[]): Promise<ReadonlySet<string>>;

  counts(): Promise<ReadonlyMap<string, DeliveryCounts>>;
  /** A page, the newest event first. */
  deliveries(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]>;
  /** Turns dead deliveries into waiting ones that are due, with zero attempts. @returns how many */
  redrive(query: DeliveryQuery, dueAt: number): Promise<number>;
  /** Deletes dead deliveries. @returns how many */
  discard(query: DeliveryQuery): Promise<number>;

  /** Tells `listener` when webhooks were added, changed or removed, or deliveries were redriven, here or by another node. */
  onChange(listener: () => void): void;
}

export function isAsked(delivery: KeptDelivery, query: DeliveryQuery): boolean {
  const { webhook, states, runId, event, target, since = -Infinity, until = Infinity } = query;
  return (
    (webhook === undefined || delivery.webhook === webhook) &&
    (states === undefined || states.includes(delivery.state)) &&
    (runId === undefined || delivery.runId === runId) &&
    (event === undefined || delivery.event === event) &&
    (target === undefined || delivery.target === target) &&
    delivery.changedAt >= since &&
    delivery.changedAt < until
  );
}

export function newestFirst(a: DeliveryPosition, b: DeliveryPosition): number {
  if (a.event !== b.event) return b.event - a.event;
  if (a.webhook !== b.webhook) return a.webhook < b.webhook ? -1 : 1;
  return a.target - b.target;
}

/** The run and target of a delivery. Deliveries are in order within them. */
export function pairOf({ runId, target }: Pick<KeptDelivery, 'runId' | 'target'>): string {
  return `${runId} ${target}`;
}
