/** The columns of webhooks, and of their deliveries, as `KeptWebhook` and `KeptDelivery` call them. */
export const WEBHOOK = `id, terms, client, created_at AS "createdAt", revision, paused, paused_at AS "pausedAt",
  cursor, cursor_at AS "cursorAt"`;
export const DELIVERY = `webhook, event, target, run_id AS "runId", task, type, state, attempts, due_at AS "dueAt",
  changed_at AS "changedAt", report, body, terms`;

/** How many delivered deliveries may pile up beyond the most that are kept. */
const SLACK = 100;

/** Decides when the oldest delivered deliveries of a webhook are to be deleted: finding them costs as much as recording a few. */
export class DeliveredSince {
  private readonly counts = new Map<string, number>();

  /** Counts `added` recorded deliveries. @returns whether the oldest are to be deleted now; always true at first */
  areDue(webhook: string, added: number): boolean {
    if (added === 0) return false;
    const count = (this.counts.get(webhook) ?? SLACK) + added;
    const due = count > SLACK;
    this.counts.set(webhook, due ? 0 : count);
    return due;
  }
}
