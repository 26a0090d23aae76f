import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Journal } from '../run/journal.js';
import { OwnWebhooks } from '../run/own-webhooks.js';
import type { KeptWebhook } from '../run/webhook-keeping.js';
import type { Tell } from './instruments.js';
import type { Telemetry } from './telemetry.js';
import { WebhookState } from './webhook-state.js';

const NOW = 1_000_000;
const webhook = (id: string, changed: Partial<KeptWebhook> = {}): KeptWebhook => ({
  ...{ id, terms: '{}', client: null, createdAt: 0, revision: 1 },
  ...{ paused: null, pausedAt: null, cursor: 100, cursorAt: 0, ...changed },
});

describe('the metrics of how webhooks stand', () => {
  const telemetry = { states: [] } as unknown as Telemetry;
  const webhooks = new OwnWebhooks(() => NOW);
  /** Each event is a second younger than the one before; the last one has the time of now. */
  const journal = {
    webhooks,
    lastEventId: 100,
    now: () => NOW,
    events: ({ after }: { after: number }) =>
      Promise.resolve({
        events: [{ time: new Date(NOW - (99 - after) * 1000).toISOString() }],
        next: after + 1,
      }),
  };
  new WebhookState(telemetry, journal as unknown as Journal);

  /** What a meter is told at the second of two readings. */
  async function told(): Promise<Record<string, number>> {
    const values: Record<string, number> = {};
    const tell: Tell = (name, value, ...of) => (values[[name, ...of].join(' ')] = value);
    telemetry.states[0]!(() => undefined);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    telemetry.states[0]!(tell);
    return values;
  }
  const NOTHING = {
    'frontrunner.webhook.paused request': 0,
    'frontrunner.webhook.paused gone': 0,
    'frontrunner.webhook.paused failing': 0,
    'frontrunner.webhook.waiting': 0,
    'frontrunner.webhook.dead': 0,
    'frontrunner.webhook.behind': 0,
  };

  test('tell of the cursor that is furthest behind, but not of one that is paused', async () => {
    expect(await told()).toEqual(NOTHING);
    await webhooks.add(webhook('a'));
    await webhooks.add(webhook('b', { cursor: 89 }));
    await webhooks.add(webhook('c', { cursor: 5, paused: 'failing', pausedAt: 1 }));
    expect(await told()).toEqual({
      ...NOTHING,
      'frontrunner.webhook.paused failing': 1,
      'frontrunner.webhook.behind': 10,
    });
  });

  test('count what waits and what is dead of all webhooks', async () => {
    const delivery = {
      ...{ target: 0, runId: 'r1', task: 't', type: 'run.finished', attempts: 1, dueAt: null },
      ...{ changedAt: 1, report: null, body: '{}', terms: null },
    };
    await webhooks.hold();
    await webhooks.settle('b', {
      ...{ cursor: 100, cursorAt: 1 },
      deliveries: [
        { ...delivery, webhook: 'b', event: 1, state: 'waiting' },
        { ...delivery, webhook: 'b', event: 2, state: 'dead' },
        { ...delivery, webhook: 'b', event: 3, state: 'dead' },
      ],
    });
    expect(await told()).toMatchObject({
      'frontrunner.webhook.waiting': 1,
      'frontrunner.webhook.dead': 2,
      'frontrunner.webhook.behind': 0,
    });
  });

  test('are told no more while the database is away', async () => {
    webhooks.list = () => Promise.reject(new Error('away'));
    expect(await told()).toEqual({});
  });
});
