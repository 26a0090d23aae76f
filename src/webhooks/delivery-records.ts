import { Injectable } from '@nestjs/common';
import { DomainError, invalidRequest } from '../core/domain-error.js';
import type { AttemptReport } from '../core/webhook-event.js';
import { shownUrl } from '../core/webhook-view.js';
import { Journal } from '../run/journal.js';
import {
  WEBHOOKS_OF_RUNS,
  type DeliveryPosition,
  type DeliveryQuery,
  type KeptDelivery,
} from '../run/webhook-keeping.js';
import { RunWatch } from '../tasks/run-watch.js';
import type { DeliveriesQuery, DeliveryFilter, DeliveryView, ReportView } from './deliveries.schemas.js';
import { parsedTerms } from './webhook-terms.js';
import { Webhooks, type WebhookCaller } from './webhooks.js';

/** The key of one delivery. */
export type DeliveryName = Pick<DeliveryPosition, 'webhook' | 'event' | 'target'>;

/**
 * The deliveries on record, of a webhook or of {@link WEBHOOKS_OF_RUNS}. Each call throws `journal-unavailable` when the journal can't
 * answer.
 */
@Injectable()
export class DeliveryRecords {
  constructor(
    private readonly journal: Journal,
    private readonly webhooks: Webhooks,
    private readonly runs: RunWatch,
  ) {}

  /** A page of deliveries, and the cursor of the next page. @throws {DomainError} `webhook-unknown`, `run-unknown`, `invalid-request` */
  async list(
    webhook: string,
    { status: states, runId, limit, cursor }: DeliveriesQuery,
    caller: WebhookCaller,
  ): Promise<{ deliveries: KeptDelivery[]; next: KeptDelivery | undefined }> {
    await this.requireSeen(webhook, runId, caller, { parameter: 'runId' });
    const query = { webhook, ...(states && { states }), ...(runId !== undefined && { runId }) };
    const behind = cursor && { ...cursor, webhook };
    const found = await this.journal.webhooks.deliveries(query, limit + 1, behind);
    const deliveries = found.slice(0, limit);
    return { deliveries, next: found.length > limit ? deliveries.at(-1) : undefined };
  }

  /**
   * Has dead deliveries tried again.
   *
   * @returns how many
   * @throws {DomainError} as {@link list}
   */
  async redrive(webhook: string, filter: DeliveryFilter, caller: WebhookCaller): Promise<number> {
    await this.requireSeen(webhook, filter.runId, caller, { pointer: '/runId' });
    return this.journal.webhooks.redrive(queryOf(webhook, filter), this.journal.now());
  }

  /**
   * Deletes dead deliveries.
   *
   * @returns how many
   * @throws {DomainError} as {@link list}
   */
  async discard(webhook: string, filter: DeliveryFilter, caller: WebhookCaller): Promise<number> {
    await this.requireSeen(webhook, filter.runId, caller, { parameter: 'runId' });
    return this.journal.webhooks.discard(queryOf(webhook, filter));
  }

  /** @throws {DomainError} `webhook-unknown`, `delivery-unknown` */
  async redriveOne(name: DeliveryName, caller: WebhookCaller): Promise<void> {
    await this.requireOneSeen(name, caller);
    requireOne(await this.journal.webhooks.redrive(name, this.journal.now()), name);
  }

  /** @throws {DomainError} `webhook-unknown`, `delivery-unknown` */
  async discardOne(name: DeliveryName, caller: WebhookCaller): Promise<void> {
    await this.requireOneSeen(name, caller);
    requireOne(await this.journal.webhooks.discard(name), name);
  }

  private async requireSeen(
    webhook: string,
    runId: string | undefined,
    caller: WebhookCaller,
    place: { readonly pointer: string } | { readonly parameter: string },
  ): Promise<void> {
    if (webhook !== WEBHOOKS_OF_RUNS) await this.webhooks.get(webhook, caller);
    else if (runId !== undefined) await this.runs.requireSeen(runId, caller.onlyClient);
    else if (caller.onlyClient !== undefined)
      throw invalidRequest([{ ...place, detail: 'is needed with a key that is good for its own runs' }]);
  }

  private async requireOneSeen(name: DeliveryName, caller: WebhookCaller): Promise<void> {
    if (name.webhook !== WEBHOOKS_OF_RUNS) {
      await this.webhooks.get(name.webhook, caller);
      return;
    }
    if (caller.onlyClient === undefined) return;
    const [delivery] = await this.journal.webhooks.deliveries(name, 1);
    const run = delivery && (await this.journal.run(delivery.runId));
    if (run?.clientId !== caller.onlyClient) throw unknownDelivery(name);
  }
}

function queryOf(webhook: string, { runId, since, until }: DeliveryFilter): DeliveryQuery {
  return {
    webhook,
    ...(runId !== undefined && { runId }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

function requireOne(count: number, name: DeliveryName): void {
  if (count === 0) throw unknownDelivery(name);
}

function unknownDelivery({ event }: DeliveryName): DomainError {
  return new DomainError('delivery-unknown', `The webhook has no dead delivery of the event ${event}`);
}

/** A delivery as the API shows it. @param link the address of all runs */
export function deliveryView(delivery: KeptDelivery, link: string): DeliveryView {
  const { event, target, runId, task, type, state, attempts, dueAt, changedAt, report, terms } = delivery;
  return {
    ...{ event, target, runId, task, status: state, attempts },
    type: type as DeliveryView['type'],
    dueAt: dueAt === null ? null : new Date(dueAt).toISOString(),
    changedAt: new Date(changedAt).toISOString(),
    report: report === null ? null : reportView(JSON.parse(report) as AttemptReport),
    ...(terms !== null && { url: shownUrl(parsedTerms({ terms })) }),
    links: { run: `${link}/${runId}` },
  };
}

export function reportView({ at, tookMs, status, error, message, excerpt }: AttemptReport): ReportView {
  return {
    at: new Date(at).toISOString(),
    tookMs,
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    ...(message !== undefined && { message }),
    ...(excerpt !== undefined && { excerpt }),
  };
}
