import { randomUUID } from 'node:crypto';
import {
  Inject,
  Injectable,
  Optional,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Clock, systemClock } from '../core/clock.js';
import { loggerOf } from '../core/logger-of.js';
import { textOf } from '../core/thrown.js';
import type { AttemptReport } from '../core/webhook-event.js';
import type { WebhookTerms } from '../core/webhook.schema.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../run/journal.js';
import { Runs } from '../run/runs.js';
import { WEBHOOKS_OF_RUNS, type HeldWebhook } from '../run/webhook-keeping.js';
import { Endpoints } from './endpoint.js';
import { KnownRuns } from './known-runs.js';
import { LogHead } from './log-head.js';
import { LoopTurns } from './loop-turns.js';
import { Sender } from './sender.js';
import type { TestSender } from './test-sender.js';
import { WebhookLoop, type LoopParts } from './webhook-loop.js';

/** How often this node asks which webhooks it holds, in milliseconds. */
const HOLD_MS = 1_000;
/** How long attempts under way may take after a stop, in milliseconds. SHUTDOWN_GRACE may be shorter. */
const STOP_GRACE_MS = 5_000;
/** How long settlements may take after that, in milliseconds. */
const SETTLE_GRACE_MS = 2_000;
/** How long attempts under way may take when a webhook is changed or goes to another node, in milliseconds. */
const CHANGE_GRACE_MS = 30_000;

/** Delivers the webhooks that this node holds, with one loop for each. Without webhooks, nothing watches the bus. */
@Injectable()
export class Deliverer implements TestSender, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = loggerOf('service');
  private readonly parts: LoopParts;
  private readonly runs: KnownRuns;
  /** The loops that run, by webhook. Each removes itself when it has ended. */
  private readonly loops = new Map<string, { readonly loop: WebhookLoop; readonly ended: Promise<void> }>();
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> | undefined;
  private isAskedAgain = false;
  private isFailing = false;
  private hasHeld = false;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly journal: Journal,
    bus: EventBus,
    runs: Runs,
    private readonly sender: Sender,
    @Inject(CONFIG) private readonly config: Pick<Config, 'SHUTDOWN_GRACE'>,
    @Optional() clock: Clock = systemClock,
  ) {
    this.runs = new KnownRuns(journal, runs);
    const head = new LogHead(journal, bus, this.runs);
    this.parts = {
      ...{ journal, keeping: journal.webhooks, head, runs: this.runs, sender, clock },
      endpoints: new Endpoints(clock),
      turns: new LoopTurns(),
      now: () => journal.now(),
      logger: this.logger,
      tell: (event) => {
        bus.publishWebhook(event);
      },
    };
    bus.onErased((runId) => {
      this.forget(runId, head);
    });
  }

  onApplicationBootstrap(): void {
    this.journal.webhooks.onChange(() => {
      for (const { loop } of this.loops.values()) loop.look();
      void this.poll();
    });
    this.timer = setInterval(() => void this.poll(), HOLD_MS).unref();
    void this.poll();
  }

  async onModuleDestroy(): Promise<void> {
    await this.stop();
  }

  /** Waits for attempts under way within the grace period, settles, and releases all webhooks. */
  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  async sendTest(terms: WebhookTerms): Promise<AttemptReport> {
    const id = `test_${randomUUID()}`;
    const [type, time] = ['webhook.test', new Date(this.journal.now()).toISOString()];
    const body = JSON.stringify({ id, type, time, data: {} });
    const never = new AbortController().signal;
    const attempt = await this.sender.attempt({ id, type, time, body }, terms, never);
    if (!attempt) throw new Error('Nothing cuts a test off');
    return attempt.report;
  }

  private poll(): Promise<void> {
    this.isAskedAgain = true;
    return (this.polling ??= this.holdAll());
  }

  private async holdAll(): Promise<void> {
    while (this.isAskedAgain && !this.stopped) {
      this.isAskedAgain = false;
      try {
        // If one of these loops ends while the journal is asked, the answer about its webhook is older than its last settlement.
        const before = new Set(this.loops.keys());
        await this.follow(await this.journal.webhooks.hold(), before);
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing)
          this.logger.warn(`It can’t be told which webhooks are to be delivered: ${textOf(error)}`);
        this.isFailing = true;
      }
    }
    // Cleared in the same turn in which it is known that nobody has asked again.
    this.polling = undefined;
  }

  /** @param before the loops that existed when the journal was asked; none of their webhooks gets a new loop in this round */
  private async follow(held: readonly HeldWebhook[], before: ReadonlySet<string>): Promise<void> {
    this.hasHeld ||= held.length > 0;
    const ids = new Set(held.map(({ id }) => id));
    for (const [id, { loop }] of this.loops) if (!ids.has(id)) loop.end();
    for (const webhook of held) {
      const { id, revision, surplus, paused } = webhook;
      const loop = this.loops.get(id)?.loop;
      if (loop && (surplus || loop.revision !== revision)) loop.stop(CHANGE_GRACE_MS);
      if (loop || before.has(id)) continue;
      if (surplus) await this.journal.webhooks.release(id);
      else if (paused === null) await this.begin(webhook);
    }
  }

  private async begin(webhook: HeldWebhook): Promise<void> {
    const { id } = webhook;
    const query = { webhook: id, states: ['delivered'] as const };
    const [last] = id === WEBHOOKS_OF_RUNS ? [] : await this.journal.webhooks.deliveries(query, 1);
    if (this.stopped) return;
    const loop = new WebhookLoop(webhook, this.parts, last?.changedAt ?? 0);
    const ended = loop.run().then(() => {
      this.loops.delete(id);
      void this.poll();
    });
    this.loops.set(id, { loop, ended });
  }

  /** Called when a run was erased. @param runId undefined when it may be any run: then events are read again */
  private forget(runId: string | undefined, head: LogHead): void {
    this.runs.forget(runId);
    head.forget(runId);
    for (const { loop } of this.loops.values()) {
      if (runId === undefined) loop.stop(CHANGE_GRACE_MS);
      else loop.forget(runId);
    }
  }

  private async end(): Promise<void> {
    clearInterval(this.timer);
    const graceMs = Math.min(STOP_GRACE_MS, this.config.SHUTDOWN_GRACE);
    for (const { loop } of this.loops.values()) loop.stop(graceMs);
    const ended = Promise.all([this.polling, ...[...this.loops.values()].map(({ ended }) => ended)]);
    const tooLate = Promise.withResolvers<undefined>();
    const timer = this.parts.clock.setTimeout(tooLate.resolve, graceMs + SETTLE_GRACE_MS);
    await Promise.race([ended, tooLate.promise]);
    this.parts.clock.clearTimeout(timer);
    for (const { loop } of this.loops.values()) loop.end();
    if (!this.hasHeld) return;
    await this.journal.webhooks.release().catch((error: unknown) => {
      this.logger.warn(`Webhooks can’t be given back, which other nodes take later: ${textOf(error)}`);
    });
  }
}
