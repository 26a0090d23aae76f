/** The webhook that stands for those that runs have of their own. It is added with the first of them. */
export const WEBHOOKS_OF_RUNS = 'runs';

/** A webhook as it is kept: where it reads the log, and what it is for. Who keeps it doesn't look into `terms`. */
export interface KeptWebhook {
  /** A UUIDv7, or {@link WEBHOOKS_OF_RUNS}. */
  readonly id: string;
  /** JSON of `WebhookTerms`; `{}` of {@link WEBHOOKS_OF_RUNS}. */
  readonly terms: string;
  /** The `clientId` of its maker; null where nobody needed a key. */
  readonly client: string | null;
  /** In milliseconds since 1970, whole ones, as all times here are. */
  readonly createdAt: number;
  /** Grows by one with each change of `terms` or `paused`. */
  readonly revision: number;
  /** Why it is paused; null while it is not. `request`: somebody asked for it; `gone`: 410; `failing`: for too long. */
  readonly paused: WebhookPause | null;
  /** Since when, for this reason; null while it is not. */
  readonly pausedAt: number | null;
  /** Each event up to this one was delivered, is kept as a delivery, or is none of its. It reads on behind it. */
  readonly cursor: number;
  /** The time of that event. Runs that have finished since are kept, whatever `RUN_RETENTION` says. */
  readonly cursorAt: number;
}

/** One that is told of what comes from now on. @param lastEventId the last event that it isn’t told of */
export function newWebhook(
  webhook: Pick<KeptWebhook, 'id' | 'terms' | 'client' | 'createdAt'>,
  lastEventId: number,
  now: number,
): KeptWebhook {
  return { ...webhook, revision: 1, paused: null, pausedAt: null, cursor: lastEventId, cursorAt: now };
}

export type WebhookPause = 'request' | 'gone' | 'failing';

/** What a change of a webhook says. */
export type WebhookChange = Pick<KeptWebhook, 'terms' | 'paused'>;

export type HeldWebhook = KeptWebhook & {
  /** It is more than this node's share: its holder is to let go of it as soon as nothing of it is under way. */
  readonly surplus?: true;
};

/** `waiting`: for its first or next attempt, or for an earlier one of its run; `dead`: given up. */
export const DELIVERY_STATES = ['waiting', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** How many delivered ones are kept of a webhook, the newest. */
export const MOST_DELIVERED = 1_000;

/** An event that is not delivered yet, was not at once, or was lately. */
export interface KeptDelivery {
  /** The id of its {@link KeptWebhook}. */
  readonly webhook: string;
  /** The id of its event. */
  readonly event: number;
  /** Of {@link WEBHOOKS_OF_RUNS}: which of the webhooks of its run, from 0; else 0. The three name the delivery. */
  readonly target: number;
  readonly runId: string;
  readonly task: string;
  readonly type: string;
  readonly state: DeliveryState;
  /** How many were made since it came up or was redriven. */
  readonly attempts: number;
  /** When the next attempt is due; null when none is. One that waits for an earlier one and has none here is due as soon as that is done. */
  readonly dueAt: number | null;
  /** When the last one ended; of one that never had any, when it was kept. */
  readonly changedAt: number;
  /** JSON of what the last attempt came to: see `AttemptReport`; null before the first. */
  readonly report: string | null;
  /** JSON of the event as the API shows it; null once it is delivered. */
  readonly body: string | null;
  /** Of {@link WEBHOOKS_OF_RUNS}: JSON of the `WebhookTarget`; else null, and once it is delivered. */
  readonly terms: string | null;
}

/** What a node has done with a webhook, which is recorded all at once. */
export interface WebhookProgress {
  readonly cursor: number;
  readonly cursorAt: number;
  /** Added, or put in place of what was kept of them. */
  readonly deliveries: readonly KeptDelivery[];
  /** Pauses it, unless it is paused already. */
  readonly pause?: WebhookPause;
}

/** Which deliveries; what is left out bounds nothing. */
export interface DeliveryQuery {
  readonly webhook?: string;
  readonly states?: readonly DeliveryState[];
  readonly runId?: string;
  readonly event?: number;
  readonly target?: number;
  /** Changed then or later, and before then. */
  readonly since?: number;
  readonly until?: number;
}

/** Where a delivery stands among others: the newest event first, then by webhook and target. */
export interface DeliveryPosition {
  readonly event: number;
  readonly webhook: string;
  readonly target: number;
}

/** How many deliveries a webhook has that wait, and that are given up. */
export interface DeliveryCounts {
  readonly waiting: number;
  readonly dead: number;
}

/**
 * What is kept of webhooks beside the log, by all that share a journal. Each call throws `journal-unavailable` where it can't be done.
 *
 * A webhook is delivered by one node at a time, which holds it. A node that dies holds nothing any more; what it had not recorded is delivered
 * again by the next one.
 *
 * Deliveries of a run go when it is erased, and none is recorded after that. Those that are delivered go when there are 1,000 newer ones of
 * their webhook, or a little later. Dead ones go when they are older than `RUN_RETENTION`. A webhook that is removed takes its
 * deliveries with it. In memory the oldest go, too, where a webhook has more than 10,000 that are not delivered, or 8 MB of them.
 */
export interface WebhookKeeping {
  /** All of them, the newest first. */
  list(): Promise<KeptWebhook[]>;
  get(id: string): Promise<KeptWebhook | undefined>;
  /** @returns false when there is one with its id */
  add(webhook: KeptWebhook): Promise<boolean>;
  /**
   * Replaces terms and pause, and counts a revision.
   *
   * @returns false when its revision is another one by now, or it is gone
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
  /** Lets go of one, or of all. A node that holds all no more takes part in no sharing until it calls `hold` again. */
  release(id?: string): Promise<void>;
  /** @returns false when this node doesn't hold it any more: then nothing was recorded */
  settle(id: string, progress: WebhookProgress): Promise<boolean>;
  /**
   * Deliveries of a webhook that are waiting and due, each the first of its run and target that waits, those that are due for the longest
   * first.
   */
  due(id: string, now: number, limit: number): Promise<KeptDelivery[]>;
  /** When the next of those is due; undefined when none waits. */
  nextDueAt(id: string): Promise<number | undefined>;
  /** Of some runs, those that have a delivery of this webhook that waits, each as `${runId} ${target}`. */
  waitingOf(id: string, runIds: readonly string[]): Promise<ReadonlySet<string>>;

  counts(): Promise<ReadonlyMap<string, DeliveryCounts>>;
  /** A page, the newest event first. */
  deliveries(query: DeliveryQuery, limit: number, behind?: DeliveryPosition): Promise<KeptDelivery[]>;
  /** Makes dead deliveries waiting and due, with no attempt made. @returns how many */
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

/** What deliveries are in order within. */
export function pairOf({ runId, target }: Pick<KeptDelivery, 'runId' | 'target'>): string {
  return `${runId} ${target}`;
}
