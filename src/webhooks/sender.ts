import { Inject, Injectable, Optional } from '@nestjs/common';
import { CONFIG, type Config } from '../config/config.js';
import { Clock, systemClock } from '../core/clock.js';
import { milliseconds } from '../core/duration.js';
import { textOf } from '../core/thrown.js';
import { WEBHOOK_DEFAULTS } from '../core/webhook-defaults.js';
import type { AttemptReport } from '../core/webhook-event.js';
import { isListed, webhookUrlMistake } from '../core/webhook-origins.js';
import type { WebhookTarget } from '../core/webhook.schema.js';
import { Journal } from '../run/journal.js';
import { formatted, UnsentError, type Message } from './message.js';
import { Receivers } from './receivers.js';
import { Signatures } from './signatures.js';

/** Longest wait that a receiver can ask for, in milliseconds. */
const MOST_RETRY_AFTER_MS = 24 * 3_600_000;
const GONE = 410;

/** The outcome of an attempt. */
export interface Attempt {
  readonly report: AttemptReport;
  readonly isDelivered: boolean;
  /** Whether the receiver wants no more events, ever (410). */
  readonly isGone: boolean;
  /** The least wait that the receiver asks for, in milliseconds. */
  readonly retryAfterMs: number;
}

/** Makes one attempt: signs an event, sends it, and reports the outcome. */
@Injectable()
export class Sender {
  constructor(
    private readonly receivers: Receivers,
    private readonly signatures: Signatures,
    private readonly journal: Journal,
    @Inject(CONFIG) private readonly config: Pick<Config, 'WEBHOOK_ORIGINS' | 'PUBLIC_URL'>,
    @Optional() private readonly clock: Clock = systemClock,
  ) {}

  /** @returns undefined when `signal` cut the attempt off: its outcome is unknown then. It never rejects. */
  async attempt(message: Message, terms: WebhookTarget, signal: AbortSignal): Promise<Attempt | undefined> {
    const beganAt = this.clock.elapsed();
    const cut = new AbortController();
    const stop = () => {
      cut.abort();
    };
    signal.addEventListener('abort', stop);
    const timer = this.clock.setTimeout(stop, milliseconds(terms.timeout ?? WEBHOOK_DEFAULTS.timeout));
    let outcome: Omit<Attempt, 'report'> & Omit<AttemptReport, 'at' | 'tookMs'>;
    try {
      outcome = await this.send(message, terms, cut.signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      outcome = { ...failureOf(error, cut.signal), isDelivered: false, isGone: false, retryAfterMs: 0 };
    } finally {
      this.clock.clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
    const { isDelivered, isGone, retryAfterMs, ...said } = outcome;
    const tookMs = Math.round(this.clock.elapsed() - beganAt);
    return { isDelivered, isGone, retryAfterMs, report: { at: this.journal.now(), tookMs, ...said } };
  }

  private async send(message: Message, terms: WebhookTarget, signal: AbortSignal) {
    const mayBePrivate = this.mayBePrivate(terms);
    const destinations = await this.receivers.load();
    signal.throwIfAborted();
    const request = this.requestOf(message, terms);
    const answer = await destinations.send(terms.url, mayBePrivate, request, signal);
    const { status, isDelivered, excerpt } = answer;
    return {
      ...{ status, isDelivered, isGone: status === GONE },
      ...(!isDelivered && { error: 'status', message: meaningOf(status) }),
      ...(excerpt !== '' && { excerpt }),
      retryAfterMs: Math.min(answer.retryAfterMs, MOST_RETRY_AFTER_MS),
    };
  }

  /** Checked for each attempt, because the configuration may have changed. @throws {UnsentError} `forbidden-address` */
  private mayBePrivate({ url, allowPrivate }: WebhookTarget): boolean {
    const { WEBHOOK_ORIGINS: origins } = this.config;
    if (allowPrivate || isListed(url, origins)) return true;
    const mistake = webhookUrlMistake(url, origins);
    if (mistake !== undefined) throw new UnsentError('forbidden-address', `The URL ${mistake}`);
    return false;
  }

  private requestOf(message: Message, { url, secrets, format }: WebhookTarget) {
    const { pathname, search } = new URL(url);
    const { body, headers } = formatted(message, format, this.config.PUBLIC_URL ?? '');
    const signed = this.signatures.headers(secrets, message.id, this.journal.now(), body);
    return {
      method: 'POST' as const,
      path: pathname + search,
      headers: ['user-agent', 'frontrunner', 'accept', '*/*', ...headers, ...signed],
      body,
    };
  }
}

function failureOf(error: unknown, signal: AbortSignal): Pick<AttemptReport, 'error' | 'message'> {
  if (signal.aborted) return { error: 'timeout', message: 'There was no answer within the timeout' };
  return { error: error instanceof UnsentError ? error.code : 'unreachable', message: textOf(error) };
}

function meaningOf(status: number): string {
  return `It answered ${status}${status >= 300 && status < 400 ? ': redirects are not followed' : ''}`;
}
