import { expect } from '@jest/globals';
import type supertest from 'supertest';
import type { Scope } from '../../src/access/scope.js';
import { Seal } from '../../src/core/seal.js';
import type { WebhookTerms } from '../../src/core/webhook.schema.js';
import { Journal } from '../../src/run/journal.js';
import { WEBHOOKS_OF_RUNS, type KeptDelivery } from '../../src/run/webhook-keeping.js';
import type { DeliveryView } from '../../src/webhooks/deliveries.schemas.js';
import type { WebhookView } from '../../src/webhooks/webhooks.schemas.js';
import { ApiKeys } from './api-keys.js';
import { TestApp } from './test-app.js';

/** An origin that events may be sent to, where nothing listens. */
export const NOWHERE = 'http://127.0.0.1:9';
/** The id of neither a run nor a webhook. */
export const UNKNOWN_ID = '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b';

export type MadeWebhook = WebhookView & { readonly secret: string };

const OF_OWN = ['webhooks:write', 'runs:read:own', 'runs:write:own'] as const;

/** Callers: one who sees all runs, two who see their own, and two of whom each lacks a scope. */
const CALLERS = {
  all: ['webhooks:write', 'runs:read', 'runs:write'],
  ada: OF_OWN,
  bob: OF_OWN,
  reader: ['runs:read', 'runs:write', 'admin'],
  blind: ['webhooks:write', 'runs:write'],
} as const satisfies Record<string, readonly Scope[]>;
type Caller = keyof typeof CALLERS;

/** A service with keys, whose callers make webhooks. */
export class WebhookService {
  private constructor(
    readonly app: TestApp,
    private readonly keys: ApiKeys,
    private readonly keyOf: ReadonlyMap<string, string>,
  ) {}

  /** @param origins that events may be sent to besides */
  static async start(...origins: readonly string[]): Promise<WebhookService> {
    const keys = new ApiKeys();
    const keyOf = new Map(
      Object.entries(CALLERS).map(([name, scopes]) => [name, keys.create(name, ...scopes)]),
    );
    const env = { API_KEYS_FILE: keys.path, WEBHOOK_ORIGINS: ['public', NOWHERE, ...origins].join() };
    return new WebhookService(await TestApp.start({ env, key: keyOf.get('all') }), keys, keyOf);
  }

  /** Requests with the key of `all`. */
  get http(): ReturnType<typeof supertest> {
    return this.app.http;
  }

  get journal(): Journal {
    return this.app.app.get(Journal);
  }

  as(caller: Caller) {
    const key = this.keyOf.get(caller)!;
    const auth = (method: 'get' | 'post' | 'patch' | 'delete') => (path: string) =>
      this.http[method](path).auth(key, { type: 'bearer' });
    return { get: auth('get'), post: auth('post'), patch: auth('patch'), delete: auth('delete') };
  }

  async make(terms: object = {}, caller: Caller = 'all'): Promise<MadeWebhook> {
    const made = await this.as(caller)
      .post('/webhooks')
      .send({ url: NOWHERE, ...terms })
      .expect(201);
    return made.body as MadeWebhook;
  }

  change(id: string, body: object) {
    return this.http.patch(`/webhooks/${id}`).send(body);
  }

  rotate(id: string, body: object) {
    return this.http.post(`/webhooks/${id}/rotate-secret`).send(body);
  }

  /** What is kept of a webhook. */
  async terms(id: string): Promise<WebhookTerms> {
    return JSON.parse((await this.journal.webhooks.get(id))!.terms) as WebhookTerms;
  }

  /** The secrets that are kept of a webhook, the newest first. */
  async secretsOf(id: string): Promise<string[]> {
    const seal = this.app.app.get(Seal);
    return (await this.terms(id)).secrets.map(({ sealed }) => seal.open(sealed));
  }

  /** Adds the webhook of runs, as the first run does that has webhooks. */
  async addRuns(): Promise<void> {
    const { webhooks, lastEventId } = this.journal;
    await webhooks.add({
      ...{ id: WEBHOOKS_OF_RUNS, terms: '{}', client: null, createdAt: 0, revision: 1 },
      ...{ paused: null, pausedAt: null, cursor: lastEventId, cursorAt: this.journal.now() },
    });
  }

  /** Keeps deliveries of a webhook as its node does; dead ones, unless they say otherwise. */
  async settle(webhook: string, ...deliveries: Partial<KeptDelivery>[]): Promise<void> {
    const usual = {
      ...{ webhook, event: 1, target: 0, runId: UNKNOWN_ID, task: 'demo', type: 'run.finished' },
      ...{ state: 'dead' as const, attempts: 18, dueAt: null, changedAt: Date.UTC(2026, 10, 23, 12) },
      ...{ report: null, body: '{}', terms: null },
    };
    await this.journal.webhooks.hold();
    const { cursor, cursorAt } = (await this.journal.webhooks.get(webhook))!;
    const rows = deliveries.map((delivery) => ({ ...usual, ...delivery }));
    expect(await this.journal.webhooks.settle(webhook, { cursor, cursorAt, deliveries: rows })).toBe(true);
  }

  async deliveriesOf(id: string, query = '', caller: Caller = 'all'): Promise<DeliveryView[]> {
    const page = await this.as(caller).get(`/webhooks/${id}/deliveries${query}`).expect(200);
    return (page.body as { deliveries: DeliveryView[] }).deliveries;
  }

  async removeAll(): Promise<void> {
    const { webhooks } = this.journal;
    for (const { id } of await webhooks.list()) await webhooks.remove(id);
  }

  /** Proves that no secret was logged, and stops. */
  async close(): Promise<void> {
    expect(JSON.stringify(this.app.log.lines)).not.toContain('whsec_');
    await this.app.close();
    this.keys.remove();
  }
}
