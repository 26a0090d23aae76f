import { randomBytes } from 'node:crypto';
import type { RunWebhook } from '../../src/core/webhook.schema.js';
import type { Labels } from '../../src/core/labels.js';
import type { Random } from '../crash/random.ts';
import type { Place, Receivers } from './receivers.ts';
import { randomSecret } from './secrets.ts';

/** What the service signs with where a webhook brings no secret: with both. */
const SERVICE_SECRETS = [randomSecret(), randomSecret()];
/** Of the webhook that the task `crash` declares. */
const TASK_TOKEN = 'task';

/** How many lanes runs are divided into by their label `lane`. */
export const LANES = 4;

const PATIENT = { attempts: 100, delay: '30ms', maxDelay: '300ms' } as const;

/** What a request says beside what its run is to do. */
export interface Extras {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly labels: Labels; readonly webhooks?: readonly RunWebhook[] };
}

/** Webhooks that runs have of their own: in their requests, and by the declaration of their task. */
export class RunWebhooks {
  readonly #receivers: Receivers;
  #made = 0;

  constructor(receivers: Receivers) {
    this.#receivers = receivers;
    receivers.secrets.add(TASK_TOKEN, SERVICE_SECRETS);
  }

  /** What the service is started with. */
  get env(): Readonly<Record<string, string>> {
    return {
      SECRETS_KEY,
      WEBHOOK_SECRET: SERVICE_SECRETS.join(),
      WEBHOOK_ORIGINS: this.#receivers.origins,
      CRASH_WEBHOOK: this.#receivers.url('steady', TASK_TOKEN),
    };
  }

  /** For one request. */
  draw(random: Random): Extras {
    const labels = { lane: String(random.int(0, LANES - 1)) };
    const many = random.pick([0, 0, 1, 1, 2]);
    if (many === 0) return { headers: {}, body: { labels } };
    const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
    const webhooks = Array.from({ length: many }, () => this.#make(random));
    return { headers: { traceparent }, body: { labels, webhooks } };
  }

  #make(random: Random): RunWebhook {
    const place = random.pick<Place>(['steady', 'steady', 'moody', 'moody', 'mortal', 'broken', 'gone']);
    const token = `run-${String(++this.#made)}`;
    const own = random.pick([undefined, randomSecret()]);
    this.#receivers.secrets.add(token, own === undefined ? SERVICE_SECRETS : [own]);
    return {
      url: this.#receivers.url(place, token),
      ...(own !== undefined && { secret: own }),
      ...(place !== 'broken' && random.pick([false, true]) && { events: [...MORE_EVENTS] }),
      ...(place === 'moody' && { timeout: '500ms' }),
      format: random.pick(['event', 'event', 'cloudevents', 'cloudevents-binary']),
      // Two events of two attempts are too few for a breaker.
      retry: place === 'broken' ? { attempts: 2, delay: '10ms' } : PATIENT,
    };
  }
}

const SECRETS_KEY = randomBytes(32).toString('base64');
const MORE_EVENTS = [
  'run.started',
  'sub-task.retrying',
  'sub-task.failed',
  'sub-task.succeeded',
  'run.replied',
  'run.finished',
  'run.reopened',
] as const;
