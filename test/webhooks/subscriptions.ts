import { setTimeout as sleep } from 'node:timers/promises';
import type { RunEvent } from '../../src/core/events.js';
import type { Labels } from '../../src/core/labels.js';
import type { Random } from '../crash/random.ts';
import { isSubscription, type Place, type Receivers } from './receivers.ts';
import { LANES } from './run-webhooks.ts';
import { randomSecret } from './secrets.ts';

/** How many are made before all else, one a round, and by the time all is over. */
const FIRST = 3;
const MOST = 5;
const PATIENT = { attempts: 100, delay: '30ms', maxDelay: '300ms' };
/** Gives up what it can't deliver while its receiver is away. */
const HASTY = { attempts: 2, delay: '10ms' };
const FEW_TYPES: readonly RunEvent['type'][] = ['run.started', 'run.replied', 'run.finished', 'run.reopened'];
const ALL_OF_SUB_TASKS: readonly RunEvent['type'][] = [
  'sub-task.started',
  'sub-task.retrying',
  'sub-task.failed',
  'sub-task.succeeded',
  'sub-task.cancelled',
  'sub-task.skipped',
];

/** Asks the service, whichever node; undefined when the caller was cut off or refused for now. */
export type Ask = (path: string, init: RequestInit) => Promise<{ status: number; body: unknown } | undefined>;

/** A webhook of the API, as its maker knows it. */
export interface Subscription {
  readonly token: string;
  readonly terms: {
    readonly events?: readonly string[];
    readonly tasks?: readonly string[];
    readonly labels?: Labels;
  };
  readonly isHasty: boolean;
  /** Undefined until the service has said it. */
  id: string | undefined;
  /** The last event that was known to each node before it was asked for. */
  readonly after: number;
  /** The last event that was recorded when it was known to be made; Infinity until then. */
  optionalUpTo: number;
}

/** Where the log ends: `known` to each node, and `recorded` in the database. */
export interface LogEnd {
  readonly known: number;
  readonly recorded: number;
}

interface Shown {
  readonly id: string;
  readonly description?: string;
  readonly state: 'active' | 'paused';
}

/** Callers that make webhooks by the API, pause, resume and change them, and rotate their secrets. */
export class Subscriptions {
  readonly all: Subscription[] = [];
  /** Answers that no caller should get. */
  readonly surprises: string[] = [];
  readonly figures = { paused: 0, rotated: 0, tested: 0, redriven: 0 };
  readonly #receivers: Receivers;
  readonly #logEnd: () => Promise<LogEnd>;

  constructor(receivers: Receivers, logEnd: () => Promise<LogEnd>) {
    this.#receivers = receivers;
    this.#logEnd = logEnd;
  }

  /** Sees to it that there are some before all callers want something. */
  async begin(ask: Ask, random: Random): Promise<void> {
    await this.#list(ask);
    if (this.all.filter(({ id }) => id !== undefined).length < FIRST) await this.#make(ask, random);
  }

  /** Does one thing after the other until the signal comes. */
  async drive(ask: Ask, random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#act(ask, random);
      await sleep(random.int(20, 200), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resumes all that are paused, and redrives what was given up. */
  async mend(ask: Ask): Promise<void> {
    for (const { id, state } of await this.#list(ask)) {
      if (state === 'paused') await this.#ask(ask, `/webhooks/${id}`, 'PATCH', { paused: false });
      const redriven = await this.#ask<{ redriven: number }>(ask, `/webhooks/${id}/redrive`, 'POST', {});
      this.figures.redriven += redriven?.redriven ?? 0;
    }
  }

  async #act(ask: Ask, random: Random): Promise<void> {
    const [first, ...rest] = this.all.filter(({ id }) => id !== undefined);
    if (!first || (this.all.length < MOST && random.int(0, 2) === 0)) {
      await this.#make(ask, random);
      return;
    }
    const subscription = random.pick([first, ...rest]);
    const path = `/webhooks/${String(subscription.id)}`;
    switch (random.pick(['pause', 'resume', 'resume', 'rotate', 'move', 'test', 'mend'])) {
      case 'pause':
        if (await this.#ask(ask, path, 'PATCH', { paused: true })) this.figures.paused += 1;
        break;
      case 'resume':
        await this.#ask(ask, path, 'PATCH', { paused: false });
        break;
      case 'rotate':
        await this.#rotate(ask, subscription);
        break;
      case 'move':
        await this.#ask(ask, path, 'PATCH', { url: this.#randomUrl(random, subscription.token) });
        break;
      case 'test':
        if (await this.#ask(ask, `${path}/test`, 'POST')) this.figures.tested += 1;
        break;
      case 'mend':
        await this.mend(ask);
    }
  }

  async #make(ask: Ask, random: Random): Promise<void> {
    const token = `subscription-${String(this.all.length)}`;
    const isHasty = this.all.length % 4 === 3;
    const secret = randomSecret();
    this.#receivers.secrets.add(token, [secret]);
    const terms = random.pick<Subscription['terms']>([
      {},
      { events: FEW_TYPES, tasks: ['crash'] },
      { events: ALL_OF_SUB_TASKS, labels: { lane: String(random.int(0, LANES - 1)) } },
    ]);
    const subscription: Subscription = {
      ...{ token, terms, isHasty },
      id: undefined,
      after: (await this.#logEnd()).known,
      optionalUpTo: Infinity,
    };
    this.all.push(subscription);
    const made = await this.#ask<Shown>(ask, '/webhooks', 'POST', {
      ...terms,
      url: this.#randomUrl(random, token),
      description: token,
      format: random.pick(['event', 'event', 'cloudevents', 'cloudevents-binary']),
      retry: isHasty ? HASTY : PATIENT,
      secret,
    });
    if (made) await this.#know(made);
  }

  /** Notes that a webhook is there. */
  async #know({ id, description }: Shown): Promise<void> {
    const subscription = this.all.find(({ token }) => token === description);
    if (subscription?.id !== undefined) return;
    if (!subscription) {
      this.surprises.push(`There is a webhook ${String(description)} that nobody made`);
      return;
    }
    subscription.id = id;
    subscription.optionalUpTo = (await this.#logEnd()).recorded;
  }

  async #rotate(ask: Ask, { id, token }: Subscription): Promise<void> {
    const secret = randomSecret();
    const confirm = this.#receivers.secrets.rotate(token, secret);
    if (!(await this.#ask(ask, `/webhooks/${String(id)}/rotate-secret`, 'POST', { secret, overlap: '1h' })))
      return;
    confirm(this.#receivers.life);
    this.figures.rotated += 1;
  }

  /** Those that the service has, among them such as were made for a caller that was cut off. */
  async #list(ask: Ask): Promise<readonly Shown[]> {
    const list = await this.#ask<{ webhooks: readonly Shown[] }>(ask, '/webhooks', 'GET');
    const webhooks = (list?.webhooks ?? []).filter(({ description = '' }) => isSubscription(description));
    for (const webhook of webhooks) await this.#know(webhook);
    return webhooks;
  }

  #randomUrl(random: Random, token: string): string {
    return this.#receivers.url(random.pick<Place>(['steady', 'moody', 'mortal']), token);
  }

  /** Undefined when it wasn’t done, or nobody knows. */
  async #ask<Body>(ask: Ask, path: string, method: string, body?: unknown): Promise<Body | undefined> {
    const answer = await ask(path, {
      method,
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    // It stops, or has no journal for a moment.
    if (!answer || answer.status === 503) return undefined;
    if (answer.status === 200 || answer.status === 201) return answer.body as Body;
    this.surprises.push(
      `${method} ${path} was answered ${String(answer.status)} ${JSON.stringify(answer.body)}`,
    );
    return undefined;
  }
}
