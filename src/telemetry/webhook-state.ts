import { Injectable } from '@nestjs/common';
import { behindMs } from '../run/behind.js';
import { Journal } from '../run/journal.js';
import type { WebhookPause } from '../run/webhook-keeping.js';
import type { Tell } from './instruments.js';
import { Telemetry } from './telemetry.js';

interface Known {
  readonly paused: Readonly<Record<WebhookPause, number>>;
  readonly waiting: number;
  readonly dead: number;
  readonly behindMs: number;
}

/**
 * Reports the state of the webhooks of all nodes of a journal. A meter doesn't wait for answers, so each reading gets the state found
 * after the reading before it. The first reading gets nothing.
 */
@Injectable()
export class WebhookState {
  private known: Known | undefined;
  private isLooking = false;

  constructor(
    telemetry: Telemetry,
    private readonly journal: Journal,
  ) {
    telemetry.states.push((tell) => {
      if (this.known) tellAll(this.known, tell);
      if (!this.isLooking) void this.look();
    });
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    try {
      const { webhooks } = this.journal;
      const all = await webhooks.list();
      const counts = all.length > 0 ? [...(await webhooks.counts()).values()] : [];
      const paused = { request: 0, gone: 0, failing: 0 };
      for (const { paused: reason } of all) if (reason) paused[reason] += 1;
      const cursors = all.flatMap(({ paused: reason, cursor }) => (reason ? [] : [cursor]));
      this.known = {
        paused,
        waiting: counts.reduce((sum, { waiting }) => sum + waiting, 0),
        dead: counts.reduce((sum, { dead }) => sum + dead, 0),
        behindMs: cursors.length > 0 ? await behindMs(this.journal, Math.min(...cursors)) : 0,
      };
    } catch {
      // The database is away, which the log and other metrics say.
      this.known = undefined;
    } finally {
      this.isLooking = false;
    }
  }
}

function tellAll({ paused, waiting, dead, behindMs }: Known, tell: Tell): void {
  for (const [reason, count] of Object.entries(paused)) tell('frontrunner.webhook.paused', count, reason);
  tell('frontrunner.webhook.waiting', waiting);
  tell('frontrunner.webhook.dead', dead);
  tell('frontrunner.webhook.behind', behindMs / 1000);
}
