import { Inject, Injectable } from '@nestjs/common';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { CONFIG, type Config } from '../config/config.js';
import { milliseconds } from '../core/duration.js';
import { DomainError, invalidRequest } from '../core/domain-error.js';
import { newRunId, timeOfId } from '../core/run-id.js';
import { Seal } from '../core/seal.js';
import { WEBHOOK_DEFAULTS } from '../core/webhook-defaults.js';
import { webhookUrlMistake } from '../core/webhook-origins.js';
import { shownUrl } from '../core/webhook-view.js';
import type { AttemptReport } from '../core/webhook-event.js';
import { EventBus } from '../events/event-bus.js';
import { Journal } from '../run/journal.js';
import { newWebhook, WEBHOOKS_OF_RUNS, type KeptWebhook } from '../run/webhook-keeping.js';
import { newSecret, rotated } from './secrets.js';
import { TestSender } from './test-sender.js';
import { changedTerms, parsedTerms, termsOf } from './webhook-terms.js';
import type { Rotation, WebhookChange, WebhookRequest } from './webhooks.schemas.js';

/** Most webhooks, besides {@link WEBHOOKS_OF_RUNS}. */
const MOST_WEBHOOKS = 1_000;

/** Most tests under way at once, and the longest time for one. */
const MOST_TESTS = 20;
const LONGEST_TEST = '30s';

/** The caller of the API. */
export interface WebhookCaller {
  readonly clientId: string | undefined;
  /** The caller's `clientId`, if it may see only its own runs. */
  readonly onlyClient: string | undefined;
}

/** Throws when a webhook doesn't meet the caller's preconditions. */
type Check = (webhook: KeptWebhook) => void;

/** A webhook and its new secret. */
interface WithSecret {
  readonly webhook: KeptWebhook;
  readonly secret: string;
}

/**
 * The webhooks of the API. A caller who may see only its own runs sees and changes only webhooks that are limited to its runs. Each call
 * throws `journal-unavailable` when the journal can't answer.
 */
@Injectable()
export class Webhooks {
  private readonly tests = bulkhead(MOST_TESTS);

  constructor(
    private readonly journal: Journal,
    private readonly seal: Seal,
    private readonly bus: EventBus,
    private readonly sender: TestSender,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Creates a webhook that gets events from now on. @throws {DomainError} `webhooks-off`, `webhooks-full`, `invalid-request` */
  async create(request: WebhookRequest, { clientId, onlyClient }: WebhookCaller): Promise<WithSecret> {
    this.requireSeal();
    this.requireUrl(request.url);
    const { webhooks, lastEventId } = this.journal;
    if ((await this.all()).length >= MOST_WEBHOOKS)
      throw new DomainError('webhooks-full', `There are ${MOST_WEBHOOKS} webhooks already; delete one first`);
    const { secret = newSecret() } = request;
    const id = newRunId();
    const terms = JSON.stringify(termsOf(request, [{ sealed: this.seal.seal(secret) }], onlyClient));
    const made = { id, terms, client: clientId ?? null, createdAt: timeOfId(id) };
    const webhook = newWebhook(made, lastEventId, this.journal.now());
    await webhooks.add(webhook);
    return { webhook, secret };
  }

  /** Lists webhooks, the newest first, at most `limit`. @param behind the id of the last webhook of the page before */
  async list({ onlyClient }: WebhookCaller, limit: number, behind?: string): Promise<KeptWebhook[]> {
    const seen = (await this.all()).filter((webhook) => isSeen(webhook, onlyClient));
    const older = behind === undefined ? seen : seen.filter(({ id }) => id < behind);
    return older.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
  }

  /** @throws {DomainError} `webhook-unknown` */
  async get(id: string, { onlyClient }: WebhookCaller): Promise<KeptWebhook> {
    const webhook = id === WEBHOOKS_OF_RUNS ? undefined : await this.journal.webhooks.get(id);
    if (webhook && isSeen(webhook, onlyClient)) return webhook;
    throw new DomainError('webhook-unknown', `There is no webhook ${JSON.stringify(id)}`);
  }

  /** @throws {DomainError} `webhook-unknown`, `invalid-request`, what `check` throws */
  async change(id: string, change: WebhookChange, caller: WebhookCaller, check: Check): Promise<KeptWebhook> {
    if (change.url !== undefined) this.requireUrl(change.url);
    const { before, after } = await this.replace(id, caller, check, ({ paused, ...webhook }) => ({
      terms: JSON.stringify(changedTerms(parsedTerms(webhook), change)),
      paused: change.paused === undefined ? paused : change.paused ? (paused ?? 'request') : null,
    }));
    if (before.paused === null && after.paused !== null)
      this.bus.publishWebhook({
        kind: 'webhook.paused',
        webhook: id,
        url: shownUrl(parsedTerms(after)),
        reason: 'request',
      });
    return after;
  }

  /** @throws {DomainError} `webhooks-off`, `webhook-unknown`, what `check` throws */
  async rotate(
    id: string,
    { secret = newSecret(), overlap }: Rotation,
    caller: WebhookCaller,
    check: Check,
  ): Promise<WithSecret> {
    this.requireSeal();
    const { after } = await this.replace(id, caller, check, ({ paused, ...webhook }) => {
      const terms = parsedTerms(webhook);
      const secrets = rotated(terms, { secret, overlap }, this.seal, this.journal.now());
      return { terms: JSON.stringify({ ...terms, secrets }), paused };
    });
    return { webhook: after, secret };
  }

  /** Removes a webhook and its deliveries. @throws {DomainError} `webhook-unknown` */
  async remove(id: string, caller: WebhookCaller): Promise<void> {
    await this.get(id, caller);
    await this.journal.webhooks.remove(id);
  }

  /** Sends a test event. @throws {DomainError} `webhook-unknown`, `overloaded` */
  async test(id: string, caller: WebhookCaller): Promise<AttemptReport> {
    const terms = parsedTerms(await this.get(id, caller));
    const { timeout = WEBHOOK_DEFAULTS.timeout } = terms;
    const bounded = milliseconds(timeout) > milliseconds(LONGEST_TEST) ? LONGEST_TEST : timeout;
    try {
      return await this.tests.execute(() => this.sender.sendTest({ ...terms, timeout: bounded }));
    } catch (error) {
      if (!isBulkheadRejectedError(error)) throw error;
      throw new DomainError('overloaded', `${MOST_TESTS} tests of webhooks are under way`);
    }
  }

  private async all(): Promise<KeptWebhook[]> {
    return (await this.journal.webhooks.list()).filter(({ id }) => id !== WEBHOOKS_OF_RUNS);
  }

  /** Tries again if the webhook was changed by another request meanwhile. */
  private async replace(
    id: string,
    caller: WebhookCaller,
    check: Check,
    make: (webhook: KeptWebhook) => Pick<KeptWebhook, 'terms' | 'paused'>,
  ): Promise<{ before: KeptWebhook; after: KeptWebhook }> {
    for (;;) {
      const before = await this.get(id, caller);
      check(before);
      const made = make(before);
      if (made.terms === before.terms && made.paused === before.paused) return { before, after: before };
      if (await this.journal.webhooks.change(id, before.revision, made))
        return { before, after: await this.get(id, caller) };
    }
  }

  private requireSeal(): void {
    if (!this.seal.canSeal)
      throw new DomainError(
        'webhooks-off',
        'Secrets of webhooks can’t be encrypted: SECRETS_KEY of the service is not set; openssl rand -base64 32 makes one',
      );
  }

  private requireUrl(url: string): void {
    const mistake = webhookUrlMistake(url, this.config.WEBHOOK_ORIGINS);
    if (mistake !== undefined) throw invalidRequest([{ pointer: '/url', detail: mistake }]);
  }
}

function isSeen(webhook: KeptWebhook, onlyClient: string | undefined): boolean {
  return onlyClient === undefined || parsedTerms(webhook).onlyClient === onlyClient;
}
