import type { AttemptReport, WebhookEvent } from '../core/webhook-event.js';
import { shownUrl } from '../core/webhook-view.js';
import { WEBHOOKS_OF_RUNS, type WebhookPause } from '../run/webhook-keeping.js';
import type { Delivery } from './delivery.js';
import type { Attempt } from './sender.js';

/** When a delivery is given up, its webhook is paused if nothing was delivered to it for this long, in milliseconds. */
const FAILING_MS = 3_600_000;

/** The state of a delivery after an attempt. */
export interface Verdict {
  readonly state: 'delivered' | 'waiting' | 'dead';
  /** When the next attempt is due, in milliseconds since 1970; null when none follows. */
  readonly nextAt: number | null;
  readonly pause?: WebhookPause;
}

/** Decides what happens to deliveries of a webhook after their attempts, and reports it. */
export class Verdicts {
  private failingSince: number | undefined;
  private readonly isOfRuns: boolean;

  /** @param lastDeliveredAt when the last delivery succeeded, in milliseconds since 1970; 0 when none ever did */
  constructor(
    private readonly webhook: string,
    private readonly tell: (event: WebhookEvent) => void,
    private lastDeliveredAt: number,
  ) {
    this.isOfRuns = webhook === WEBHOOKS_OF_RUNS;
  }

  on(delivery: Delivery, attempt: Attempt): Verdict {
    const { report } = attempt;
    delivery.attempted(report);
    const told = this.told(delivery, report);
    if (attempt.isDelivered) {
      this.lastDeliveredAt = report.at;
      this.failingSince = undefined;
      const delayMs = Math.max(0, report.at - Date.parse(delivery.about.time));
      this.tell({ kind: 'webhook.delivered', delayMs, ...told });
      return { state: 'delivered', nextAt: null };
    }
    this.failingSince ??= report.at;
    const verdict = attempt.isGone ? this.gone(report) : this.failed(delivery, attempt);
    this.tell({ kind: 'webhook.failing', nextAt: verdict.nextAt, ...told });
    return verdict;
  }

  /** To be called when a delivery is given up without an attempt. */
  givenUp(delivery: Delivery, report: AttemptReport): void {
    delivery.report = report;
    this.tell({ kind: 'webhook.failing', nextAt: null, ...this.told(delivery, report) });
  }

  private gone({ at }: AttemptReport): Verdict {
    return this.isOfRuns ? { state: 'dead', nextAt: null } : { state: 'waiting', nextAt: at, pause: 'gone' };
  }

  private failed(delivery: Delivery, { report, retryAfterMs }: Attempt): Verdict {
    const nextAt = delivery.nextAt(report.at, retryAfterMs);
    if (nextAt !== undefined) return { state: 'waiting', nextAt };
    const pauses = !this.isOfRuns && this.hasFailedForLong(delivery, report.at);
    return { state: 'dead', nextAt: null, ...(pauses && { pause: 'failing' }) };
  }

  private hasFailedForLong({ report }: Delivery, now: number): boolean {
    const firstAt = report?.firstAt ?? now;
    return this.lastDeliveredAt < firstAt && now - Math.min(firstAt, this.failingSince ?? now) >= FAILING_MS;
  }

  private told(delivery: Delivery, report: AttemptReport) {
    const { event, type, runId, task } = delivery.about;
    const { attempts: attempt, traceparent, terms } = delivery;
    return {
      webhook: this.webhook,
      url: shownUrl(terms),
      event,
      type,
      runId,
      task,
      attempt,
      report,
      traceparent,
    };
  }
}
