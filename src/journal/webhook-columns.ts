/** The columns of webhooks, and of their deliveries, as `KeptWebhook` and `KeptDelivery` call them. */
export const WEBHOOK = `id, terms, client, created_at AS "createdAt", revision, paused, paused_at AS "pausedAt",
  cursor, cursor_at AS "cursorAt"`;
export const DELIVERY = `webhook, event, target, run_id AS "runId", task, type, state, attempts, due_at AS "dueAt",
  changed_at AS "changedAt", report, body, terms`;

/** How many delivered ones there may be more than are kept. */
const SLACK = 100;

/** Says when delivered ones of a webhook are to go: to look for them costs as much as to record a few. */
export class DeliveredSince {
  private readonly counts = new Map<string, number>();

  /** Counts `added` that are recorded. @returns whether the oldest are to go with that; at first, too */
  areDue(webhook: string, added: number): boolean {
    if (added === 0) return false;
    const count = (this.counts.get(webhook) ?? SLACK) + added;
    const due = count > SLACK;
    this.counts.set(webhook, due ? 0 : count);
    return due;
  }
}
