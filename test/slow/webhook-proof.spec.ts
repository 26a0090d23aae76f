import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Random } from '../crash/random.ts';
import {
  deliveryName,
  proveDeliveries,
  undelivered,
  type Deliveries,
  type ExpectedEvent,
  type Registration,
} from '../webhooks/deliveries-proof.ts';
import { digestOf, Receivers, type Place, type Reception } from '../webhooks/receivers.ts';
import { randomSecret, SecretRing } from '../webhooks/secrets.ts';

const event = (id: number, runId: string): ExpectedEvent => ({
  ...{ id, runId, type: 'run.replied', digest: `digest of ${String(id)}` },
});
const EVENTS = [event(1, 'a'), event(2, 'b'), event(3, 'a'), event(4, 'b')];

let order = 0;
function reception(id: number, changes: Partial<Reception> = {}): Reception {
  const base = { token: 'one', place: 'steady' as Place, digest: `digest of ${String(id)}`, life: 1 };
  return {
    ...base,
    id,
    time: 0,
    traceparent: undefined,
    at: ++order,
    taken: 'surely',
    takenAt: ++order,
    ...changes,
  };
}
const refused = { taken: 'no', takenAt: Infinity } as const;

function deliveries(
  receptions: readonly Reception[],
  registration: Partial<Registration> = {},
  dead: readonly string[] = [],
): Deliveries {
  return {
    registrations: [{ token: 'one', events: EVENTS, order: 'taken', optionalUpTo: 0, ...registration }],
    receptions,
    dead: new Set(dead),
    mayRepeat: (before, again) => before.life !== again.life,
  };
}

describe('the proof of deliveries', () => {
  test.each<[string, Deliveries]>([
    ['each event once', deliveries([1, 2, 3, 4].map((id) => reception(id)))],
    ['events of different runs in any order', deliveries([2, 4, 1, 3].map((id) => reception(id)))],
    [
      'an event that is refused before it is taken',
      deliveries([reception(1, refused), reception(1), reception(2), reception(3), reception(4)]),
    ],
    [
      'an event again after a kill',
      deliveries([1, 3, 2, 4].flatMap((id) => [reception(id), reception(id, { life: 2 })])),
    ],
    [
      'none of what was recorded while it was made',
      deliveries([reception(3), reception(4)], { optionalUpTo: 2 }),
    ],
    [
      'a dead letter of a receiver that fails for ever',
      deliveries(
        [1, 2, 3].map((id) => reception(id, { place: 'broken', ...refused })),
        { order: 'came' },
        [1, 2, 3, 4].map((id) => deliveryName('one', id)),
      ),
    ],
  ])('accepts %s', (_, given) => {
    expect(proveDeliveries(given)).toEqual([]);
    expect(undelivered(given)).toEqual([]);
  });

  test.each<[string, Deliveries, string]>([
    [
      'an event of a run before the earlier one is taken',
      deliveries([reception(1, refused), reception(3), reception(1), reception(2), reception(4)]),
      'got event 3, run.replied of the run a before event 1 was taken',
    ],
    [
      'an event of a run before the earlier one came, where some are given up',
      deliveries([reception(3), reception(1), reception(2), reception(4)], { order: 'came' }),
      'got event 3, run.replied of the run a before event 1 was there',
    ],
    ['what is not in the log', deliveries([reception(5)]), 'got event 5, which is none of its'],
    [
      'an event with another body',
      deliveries([reception(1, { digest: 'another' })]),
      'got another event 1, run.replied of the run a than the log has',
    ],
    [
      'an event that was taken again without need',
      deliveries([reception(1), reception(1)]),
      'got event 1, run.replied of the run a again, though it had taken it',
    ],
    [
      'an event of a run that its receiver wanted no more of',
      deliveries([reception(1, { place: 'gone', ...refused }), reception(3, { place: 'gone', ...refused })]),
      'got event 3, run.replied of the run a after it had answered event 1 with 410',
    ],
    [
      'a dead letter of a receiver that lives',
      deliveries([reception(1, refused)], {}, [deliveryName('one', 1)]),
      'has the dead letter 1, though its receiver lives',
    ],
    [
      'an event without the trace of its run',
      deliveries([reception(1)], { events: [{ ...event(1, 'a'), traceparent: '00-1-2-01' }] }),
      'got event 1, run.replied of the run a with the traceparent undefined',
    ],
  ])('refuses %s', (_, given, violation) => {
    expect(proveDeliveries(given)).toContain(`The webhook one ${violation}`);
  });

  test('refuses events for a webhook that nobody registered', () => {
    expect(proveDeliveries(deliveries([reception(1, { token: 'other' })]))).toContain(
      'Events came to other, which nobody registered',
    );
  });

  test('finds events that were never taken and are no dead letters', () => {
    const given = deliveries([reception(1), reception(2), reception(3, refused)], {}, [
      deliveryName('one', 4),
    ]);
    expect(undelivered(given)).toEqual(['The webhook one never got event 3, run.replied of the run a']);
  });
});

describe('the secrets of receivers', () => {
  const [first, second] = [randomSecret(), randomSecret()];

  function mistake(ring: SecretRing, life: number, secrets: readonly string[], body = '{}') {
    const now = new Date();
    const signatures = secrets.map((secret) => new Webhook(secret).sign('1', now, '{}'));
    const headers = {
      'webhook-id': '1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': signatures.join(' '),
    };
    return ring.mistake('one', life, headers, body);
  }

  test('refuse what no secret or only some have signed, and another body', () => {
    const ring = new SecretRing();
    ring.add('one', [first, second]);
    expect(mistake(ring, 1, [first, second])).toBeUndefined();
    expect(mistake(ring, 1, [first])).toMatch(/^one of its 2 secrets has not signed/);
    expect(mistake(ring, 1, [randomSecret()])).toBe('No matching signature found');
    expect(mistake(ring, 1, [first, second], '{"other":1}')).toBe('No matching signature found');
  });

  test('take either secret until the service is known to have rotated it, then both', () => {
    const ring = new SecretRing();
    ring.add('one', [first]);
    const confirm = ring.rotate('one', second);
    expect(mistake(ring, 1, [first])).toBeUndefined();
    confirm(1);
    expect(mistake(ring, 1, [first])).toBeUndefined();
    expect(mistake(ring, 2, [first])).toMatch(/^one of its 2 secrets has not signed/);
    expect(mistake(ring, 2, [second, first])).toBeUndefined();
  });
});

describe('the receivers', () => {
  const secret = randomSecret();
  let receivers: Receivers;
  beforeAll(async () => {
    receivers = await Receivers.start(new Random(1));
    receivers.secrets.add('one', [secret]);
  });
  afterAll(() => receivers.close());

  function deliver(place: Place, id: number, by = secret): Promise<Response> {
    const now = new Date();
    const body = JSON.stringify({ id, type: 'run.replied' });
    return fetch(receivers.url(place, 'one'), {
      method: 'POST',
      headers: {
        'webhook-id': String(id),
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(by).sign(String(id), now, body),
      },
      body,
    });
  }

  test('remember what came, whether they took it, and in which order', async () => {
    expect((await deliver('broken', 1)).status).toBe(500);
    expect((await deliver('gone', 2)).status).toBe(410);
    expect((await deliver('steady', 3)).ok).toBe(true);
    expect(receivers.receptions).toMatchObject([
      { token: 'one', place: 'broken', id: 1, taken: 'no', takenAt: Infinity, at: 1 },
      { place: 'gone', id: 2, taken: 'no', at: 2 },
      { place: 'steady', id: 3, taken: 'surely', at: 3, takenAt: 4 },
    ]);
    expect(receivers.receptions[2]?.digest).toBe(digestOf({ id: 3, type: 'run.replied' }));
  });

  test('complain of what is signed with another secret', async () => {
    expect((await deliver('steady', 4, randomSecret())).status).toBe(400);
    expect(receivers.violations).toEqual([expect.stringContaining('No matching signature found')]);
  });

  test('answer well when they are healed, on the port that they close now and then too', async () => {
    await receivers.heal();
    expect((await deliver('moody', 5)).ok).toBe(true);
    expect((await deliver('mortal', 6)).ok).toBe(true);
  });
});
