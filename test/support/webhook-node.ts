import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventEmitter2 } from '@nestjs/event-emitter';
import type { EventType, NewEvent } from '../../src/core/events.js';
import type { WebhookEvent } from '../../src/core/webhook-event.js';
import type { WebhookTarget, WebhookTerms } from '../../src/core/webhook.schema.js';
import { EventBus } from '../../src/events/event-bus.js';
import { MemoryJournal } from '../../src/journal/memory/memory-journal.js';
import { WEBHOOKS_OF_RUNS, type KeptDelivery, type WebhookKeeping } from '../../src/run/webhook-keeping.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { Deliverer } from '../../src/webhooks/deliverer.js';
import type { Message } from '../../src/webhooks/message.js';
import type { Attempt } from '../../src/webhooks/sender.js';
import { EventWriter } from './event-writer.js';
import { events } from './run-events.js';

/** What an attempt comes to. `lost`: the receiver never had it; `hang`: it had it and never answers. */
export type Answer =
  'ok' | 'lost' | 'hang' | number | { readonly status: number; readonly retryAfterMs: number };

/** An attempt. */
export interface Received {
  readonly event: number;
  readonly runId: string;
  readonly url: string;
  readonly message: Message;
  /** What was answered; undefined while nothing was. */
  answer?: Answer;
}

const TIMEOUT_MS = 15_000;

/** A journal in memory, receivers that do as they are told, and a clock that stands still. */
export class WebhookStand {
  readonly clock = new FakeClock();
  readonly bus = new EventBus(new EventEmitter2());
  readonly journal: MemoryJournal;
  readonly writer: EventWriter;
  readonly received: Received[] = [];
  readonly told: WebhookEvent[] = [];
  /** What receivers answer, by URL or for all of them; asked with each attempt. Default: ok. */
  answerOf: (url: string, message: Message) => Answer = () => 'ok';
  /** How long they take, in milliseconds. Default: none. */
  delayOf: (url: string) => number = () => 0;
  private runs = 0;
  /** Of {@link WebhookStand.run}. */
  readonly runIds: string[] = [];

  constructor() {
    const soon = (commit: () => void) => void Promise.resolve().then(commit);
    this.journal = new MemoryJournal(this.bus, 3_600_000, undefined, soon, this.clock);
    this.writer = new EventWriter(this.journal);
    this.bus.publishWebhook = (event) => {
      this.told.push(event);
    };
  }

  get keeping(): WebhookKeeping {
    return this.journal.webhooks;
  }

  /** Adds a webhook of the API. */
  async subscribe(id: string, terms: Partial<WebhookTerms> = {}): Promise<void> {
    const all = { url: `https://${id}.test/`, secrets: [], ...terms };
    await this.add(id, JSON.stringify(all));
  }

  async addOfRuns(): Promise<void> {
    await this.add(WEBHOOKS_OF_RUNS, '{}');
  }

  /** Writes the events of a run. @returns its id */
  async run(types: readonly EventType[], webhooks?: readonly WebhookTarget[]): Promise<string> {
    this.runs += 1;
    const runId = `0197${String(this.runs).padStart(4, '0')}-0000-7000-8000-000000000000`;
    this.runIds.push(runId);
    await this.writer.append(started(runId, webhooks));
    for (const type of types) await this.write(type, runId);
    return runId;
  }

  async write(type: EventType, runId: string): Promise<void> {
    await this.writer.append(eventOf(type, runId));
  }

  /** Makes a node that delivers. */
  async node(keeping = this.keeping): Promise<TestNode> {
    const node = new TestNode(this, keeping);
    node.deliverer.onApplicationBootstrap();
    await this.settle();
    return node;
  }

  /** Advances the clock. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    await this.clock.advance(ms, this.settle);
    await this.settle();
  }

  /** Advances it until nothing waits any more, or for long. */
  async quiet(stepMs = 3_600_000): Promise<void> {
    for (let rounds = 0; rounds < 200; rounds += 1) {
      await this.advance(rounds < 20 ? 1_000 : stepMs);
      const rows = await this.rows('waiting');
      if (rounds > 20 && rows.length === 0) return;
    }
  }

  rows(state: KeptDelivery['state'], webhook?: string): Promise<KeptDelivery[]> {
    return this.keeping.deliveries({ states: [state], ...(webhook !== undefined && { webhook }) }, 10_000);
  }

  /** Each webhook has turns of its own, one after the other: those that stop at the same time need several each. */
  readonly settle = async (): Promise<void> => {
    for (let turns = 0; turns < 24; turns += 1) await nextTurn();
  };

  private async add(id: string, terms: string): Promise<void> {
    const createdAt = this.clock.now();
    const position = { cursor: this.journal.lastEventId, cursorAt: createdAt };
    const open = { client: null, revision: 1, paused: null, pausedAt: null };
    await this.keeping.add({ id, terms, createdAt, ...open, ...position });
    await this.settle();
  }
}

/** A node that delivers, until it is stopped or killed. */
export class TestNode {
  readonly deliverer: Deliverer;
  private isDead = false;

  constructor(
    private readonly stand: WebhookStand,
    keeping: WebhookKeeping,
  ) {
    const mortal = new Proxy(keeping, {
      get: (target, name: keyof WebhookKeeping) =>
        this.isDead ? () => new Promise(() => undefined) : target[name].bind(target),
    });
    const journal = Object.create(stand.journal, { webhooks: { value: mortal } }) as MemoryJournal;
    this.deliverer = new Deliverer(
      journal,
      stand.bus,
      { get: () => undefined } as never,
      { attempt: this.attempt } as never,
      { SHUTDOWN_GRACE: 1_000 },
      stand.clock,
    );
  }

  /** Nothing of it happens any more. */
  kill(): void {
    this.isDead = true;
    void this.deliverer.stop();
  }

  async stop(): Promise<void> {
    const stopped = this.deliverer.stop();
    await this.stand.settle();
    await this.stand.advance(5_000);
    await stopped;
  }

  private readonly attempt = async (
    message: Message,
    { url }: WebhookTarget,
    signal: AbortSignal,
  ): Promise<Attempt | undefined> => {
    const { stand } = this;
    const answer = stand.answerOf(url, message);
    const received: Received = { event: Number(message.id), runId: message.runId ?? '', url, message };
    if (answer !== 'lost') stand.received.push(received);
    const delayMs = answer === 'hang' ? TIMEOUT_MS : stand.delayOf(url);
    await new Promise<void>((resolve) => {
      if (delayMs > 0) stand.clock.setTimeout(resolve, delayMs);
      else queueMicrotask(resolve);
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    if (this.isDead) return new Promise(() => undefined);
    if (signal.aborted) return undefined;
    received.answer = answer;
    return attemptOf(answer, stand.clock.now());
  };
}

function attemptOf(answer: Answer, at: number): Attempt {
  const isDelivered = answer === 'ok';
  const { status, retryAfterMs } =
    typeof answer === 'object' ? answer : { status: Number(answer), retryAfterMs: 0 };
  const report = { at, tookMs: 1, ...(isDelivered ? { status: 200 } : { error: 'status', status }) };
  return { isDelivered, isGone: status === 410, retryAfterMs, report };
}

function started(runId: string, webhooks: readonly WebhookTarget[] | undefined): NewEvent {
  const event = events.started(runId);
  if (event.type !== 'run.started' || !webhooks) return event;
  return { ...event, data: { ...event.data, webhooks } };
}

function eventOf(type: EventType, runId: string): NewEvent {
  if (type === 'run.replied') return events.replied(runId, 'r');
  if (type === 'run.finished') return events.finished(runId);
  if (type === 'sub-task.succeeded') return events.succeeded(runId, 'r');
  return events.attempt(runId);
}
