import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import ms from 'ms';
import { CONFIG, type Config } from '../config/config.js';
import { Gathering } from '../core/gathering.js';
import { levelOf, shows } from '../core/log-kinds.js';
import { loggerOf } from '../core/logger-of.js';
import type { AttemptReport, WebhookEvent } from '../core/webhook-event.js';
import { OnWebhookEvent } from '../events/on-webhook-event.decorator.js';

type Failing = WebhookEvent<'webhook.failing'>;

/** Logs the events of webhooks. For a receiver that fails all the time it logs one line in ten seconds. */
@Injectable()
export class WebhookLogListener implements OnApplicationShutdown {
  private readonly logger = loggerOf('webhook');
  private readonly showsDelivered: boolean;
  private readonly untold = new Gathering<Failing>((_kind, { count, example }, seconds) => {
    if (example)
      this.tell(example, `${count} more in ${seconds} s, the first of them: ${whyOf(example.report)}`, count);
  });

  constructor(@Inject(CONFIG) config: Pick<Config, 'LOG_LEVEL' | 'LOG_LEVELS'>) {
    this.showsDelivered = shows(levelOf('webhook', config), 'debug');
  }

  @OnWebhookEvent('webhook.delivered')
  delivered(event: WebhookEvent<'webhook.delivered'>): void {
    if (!this.showsDelivered) return;
    const msg = `${event.type} delivered to ${event.url}`;
    this.logger.debug({ msg, ...fieldsOf(event), delayMs: event.delayMs });
  }

  @OnWebhookEvent('webhook.failing')
  failing(event: Failing): void {
    const { webhook, url, nextAt, report } = event;
    // Runs may each have an address of their own at a receiver that is down.
    const receiver = URL.parse(url)?.origin ?? url;
    const untold = this.untold.add(`${webhook} ${receiver} ${nextAt === null ? 'dead' : 'waiting'}`);
    if (untold) untold.example ??= event;
    else this.tell(event, whyOf(report), 1);
  }

  @OnWebhookEvent('webhook.paused')
  paused({ webhook, url, reason }: WebhookEvent<'webhook.paused'>): void {
    const fields = { webhook, url, reason };
    if (reason === 'request') {
      this.logger.log({ msg: `Webhook ${webhook} to ${url} is paused, as was asked for`, ...fields });
      return;
    }
    const why = reason === 'gone' ? 'it answered 410 Gone' : 'nothing could be delivered for too long';
    const mend =
      reason === 'gone'
        ? `change its url (PATCH /webhooks/${webhook}), or delete it`
        : `once the receiver is mended, resume it: PATCH /webhooks/${webhook} with {"paused": false}`;
    this.logger.error({
      msg: `Webhook ${webhook} to ${url} is paused: ${why}. No event is lost; ${mend}`,
      ...fields,
    });
  }

  onApplicationShutdown(): void {
    this.untold.end();
  }

  private tell(event: Failing, what: string, count: number): void {
    const { url, nextAt, report } = event;
    const fields = { ...fieldsOf(event), code: report.error, count };
    if (nextAt === null) {
      this.logger.error({ msg: `Delivery to ${url} given up, a dead letter: ${what}`, ...fields });
      return;
    }
    const next = `${count === 1 ? 'the next attempt' : 'its next attempt'} is due in ${ms(Math.max(0, Math.round(nextAt - report.at)))}`;
    this.logger.warn({
      msg: `Delivery to ${url} failed: ${what}; ${next}`,
      ...fields,
      nextAt: new Date(nextAt).toISOString(),
    });
  }
}

function fieldsOf(event: WebhookEvent<'webhook.delivered' | 'webhook.failing'>) {
  const { webhook, url, event: id, type, runId, task, attempt, report } = event;
  const { status, tookMs } = report;
  return { webhook, url, event: id, type, runId, task, attempt, status, durationMs: Math.round(tookMs) };
}

function whyOf({ status, error, message }: AttemptReport): string {
  return message ?? (status === undefined ? (error ?? 'no answer') : `it answered ${status}`);
}
