import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import fc from 'fast-check';
import { Client } from 'pg';
import { EventBus } from '../../src/events/event-bus.js';
import { PostgresJournal } from '../../src/journal/postgres/postgres-journal.js';
import type { Journal } from '../../src/run/journal.js';
import { OwnWebhooks } from '../../src/run/own-webhooks.js';
import {
  newestFirst,
  type DeliveryPosition,
  type DeliveryQuery,
  type KeptDelivery,
  type KeptWebhook,
  type WebhookKeeping,
  type WebhookProgress,
} from '../../src/run/webhook-keeping.js';
import { EventWriter } from '../support/event-writer.js';
import { journals } from '../support/journals.js';
import { executeThere, temporaryDatabase } from '../support/postgres-database.js';
import { events } from '../support/run-events.js';

const kept = (id: string, also: Partial<KeptWebhook> = {}): KeptWebhook => ({
  id,
  terms: `{"url":"https://example.com/${id}","text":"ü ' \\u0000"}`,
  client: null,
  createdAt: 1,
  revision: 1,
  paused: null,
  pausedAt: null,
  cursor: 0,
  cursorAt: 0,
  ...also,
});

/** One that waits, and is due at once. */
const delivery = (webhook: string, event: number, also: Partial<KeptDelivery> = {}): KeptDelivery => ({
  webhook,
  event,
  target: 0,
  runId: 'r1',
  task: 'task',
  type: 'run.finished',
  state: 'waiting',
  attempts: 1,
  dueAt: 5,
  changedAt: 5,
  report: '{"at":5,"message":"\\u0000"}',
  body: `{"id":${event},"data":"\\u0000 ' ü"}`,
  terms: null,
  ...also,
});

const progress = (cursor: number, ...deliveries: KeptDelivery[]): WebhookProgress => ({
  cursor,
  cursorAt: cursor,
  deliveries,
});

const named = (found: readonly DeliveryPosition[]) =>
  found.map(({ webhook, event, target }) => `${webhook} ${event} ${target}`);

/** All of a query, by pages of so many. */
async function pages(webhooks: WebhookKeeping, query: DeliveryQuery, limit: number): Promise<KeptDelivery[]> {
  const all: KeptDelivery[] = [];
  for (;;) {
    const page = await webhooks.deliveries(query, limit, all.at(-1));
    all.push(...page);
    if (page.length < limit) return all;
  }
}

describe.each(Object.keys(journals))('the webhooks of the %s journal', (name) => {
  let journal: Journal;
  let webhooks: WebhookKeeping;
  let told = 0;
  beforeAll(async () => {
    journal = await journals[name]!(new EventBus(new EventEmitter2()));
    webhooks = journal.webhooks;
    webhooks.onChange(() => (told += 1));
  });
  afterEach(async () => {
    await webhooks.release();
    for (const { id } of await webhooks.list()) await webhooks.remove(id);
  });
  afterAll(async () => {
    await journal.drain();
    await journal.close();
  });

  /** Adds one, and holds it. */
  async function add(id: string, ...deliveries: KeptDelivery[]): Promise<void> {
    await webhooks.add(kept(id));
    await webhooks.hold();
    if (deliveries.length > 0) expect(await webhooks.settle(id, progress(1, ...deliveries))).toBe(true);
  }

  /** Resolves when listeners are told because of something. */
  async function tells(what: () => Promise<unknown>): Promise<void> {
    const before = told;
    await what();
    while (told === before) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  test('are all listed as they were added, the newest first', async () => {
    const added = [
      kept('a', { client: 'me' }),
      kept('b', { createdAt: 2, cursor: 7, cursorAt: 8 }),
      kept('c'),
    ];
    for (const webhook of added) expect(await webhooks.add(webhook)).toBe(true);
    expect(await webhooks.list()).toEqual([added[1], added[2], added[0]]);
    expect(await webhooks.get('b')).toEqual(added[1]);
    for (const id of ['none', '\0', 'a\0']) expect(await webhooks.get(id)).toBeUndefined();
  });

  test('are added once: one that is there stays as it is', async () => {
    await webhooks.add(kept('a'));
    expect(await webhooks.add(kept('a', { terms: '{}', cursor: 9 }))).toBe(false);
    expect(await webhooks.get('a')).toEqual(kept('a'));
  });

  test('are changed if their revision is the one that was read', async () => {
    await webhooks.add(kept('a', { cursor: 3, cursorAt: 4 }));
    expect(await webhooks.change('a', 1, { terms: '{"x":1}', paused: null })).toBe(true);
    expect(await webhooks.get('a')).toEqual(
      kept('a', { terms: '{"x":1}', revision: 2, cursor: 3, cursorAt: 4 }),
    );
    expect(await webhooks.change('a', 1, { terms: '{}', paused: null })).toBe(false);
    expect(await webhooks.change('none', 1, { terms: '{}', paused: null })).toBe(false);
    expect((await webhooks.get('a'))?.terms).toBe('{"x":1}');
  });

  test('say since when they are paused, for the reason that they are', async () => {
    await webhooks.add(kept('a', { paused: 'gone', pausedAt: 7 }));
    const change = async (revision: number, paused: KeptWebhook['paused']) => {
      expect(await webhooks.change('a', revision, { terms: '{}', paused })).toBe(true);
      return await webhooks.get('a');
    };
    expect(await change(1, 'gone')).toMatchObject({ paused: 'gone', pausedAt: 7 });
    const before = journal.now() - 1_000;
    const requested = await change(2, 'request');
    expect(requested?.paused).toBe('request');
    expect(requested?.pausedAt).toBeGreaterThan(before);
    expect(await change(3, null)).toMatchObject({ paused: null, pausedAt: null, revision: 4 });
  });

  test('are removed with their deliveries, however many', async () => {
    const many = Array.from({ length: 1_050 }, (_, n) => delivery('a', n + 1, { runId: `r${n}` }));
    await add('a', ...many);
    await add('b', delivery('b', 1));
    expect(await webhooks.remove('a')).toBe(true);
    expect(await webhooks.get('a')).toBeUndefined();
    expect(named(await webhooks.deliveries({}, 9))).toEqual(['b 1 0']);
    expect(await webhooks.remove('a')).toBe(false);
    await webhooks.add(kept('a'));
    expect(await webhooks.deliveries({ webhook: 'a' }, 9)).toEqual([]);
  });

  test('are held, the paused ones too, and settled only while they are', async () => {
    await webhooks.add(kept('a', { paused: 'request', pausedAt: 1 }));
    expect(await webhooks.settle('a', progress(2, delivery('a', 1)))).toBe(false);
    expect(await webhooks.hold()).toEqual([kept('a', { paused: 'request', pausedAt: 1 })]);
    await webhooks.add(kept('b'));
    expect((await webhooks.hold()).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await webhooks.settle('a', progress(2))).toBe(true);
    await webhooks.release('a');
    expect(await webhooks.settle('a', progress(3, delivery('a', 1)))).toBe(false);
    expect(await webhooks.settle('b', progress(3))).toBe(true);
    await webhooks.release();
    expect(await webhooks.settle('b', progress(4))).toBe(false);
    expect((await webhooks.list()).map(({ id, cursor }) => [id, cursor])).toEqual([
      ['b', 3],
      ['a', 2],
    ]);
    expect(await webhooks.deliveries({}, 9)).toEqual([]);
  });

  test('are settled all at once: where they have read, and each delivery in place of what was kept of it', async () => {
    const first = delivery('a', 1, { terms: '{"url":"x"}', target: 3 });
    await add('a', first, delivery('a', 2));
    expect(await webhooks.deliveries({}, 9)).toEqual([delivery('a', 2), first]);
    const done = delivery('a', 1, { target: 3, state: 'delivered', dueAt: null, body: null, changedAt: 9 });
    expect(await webhooks.settle('a', { cursor: 8, cursorAt: 9, deliveries: [done] })).toBe(true);
    expect(await webhooks.get('a')).toEqual(kept('a', { cursor: 8, cursorAt: 9 }));
    expect(await webhooks.deliveries({}, 9)).toEqual([delivery('a', 2), done]);
  });

  test('are paused with what is settled, unless they are paused already', async () => {
    await add('a');
    const before = journal.now() - 1_000;
    await tells(() => webhooks.settle('a', { ...progress(2), pause: 'gone' }));
    const paused = await webhooks.get('a');
    expect(paused).toMatchObject({ paused: 'gone', revision: 2, cursor: 2 });
    expect(paused?.pausedAt).toBeGreaterThan(before);
    expect(await webhooks.settle('a', { ...progress(3), pause: 'failing' })).toBe(true);
    expect(await webhooks.get('a')).toEqual({ ...paused, cursor: 3, cursorAt: 3 });
  });

  test('are settled by whole milliseconds alone', async () => {
    await add('a');
    await expect(webhooks.settle('a', progress(2, delivery('a', 1, { dueAt: 1.5 })))).rejects.toThrow();
    expect(await webhooks.get('a')).toEqual(kept('a'));
    expect(await webhooks.deliveries({}, 9)).toEqual([]);
  });

  test('are not settled once they are removed', async () => {
    await add('a');
    await webhooks.remove('a');
    expect(await webhooks.settle('a', progress(2, delivery('a', 1)))).toBe(false);
    expect(await webhooks.deliveries({}, 9)).toEqual([]);
  });

  test('have deliveries due in the order of their times, of each run and target the first that waits alone', async () => {
    const due = async (now: number, limit = 9) => named(await webhooks.due('a', now, limit));
    await add(
      'a',
      delivery('a', 1, { runId: 'r1', dueAt: 30 }),
      delivery('a', 2, { runId: 'r1', dueAt: 10 }),
      delivery('a', 3, { runId: 'r1', target: 1, dueAt: 20 }),
      delivery('a', 4, { runId: 'r2', dueAt: null, changedAt: 25 }),
      delivery('a', 5, { runId: 'r2', dueAt: null }),
      delivery('a', 6, { runId: 'r3', state: 'dead', dueAt: null }),
      delivery('a', 7, { runId: 'r4', state: 'delivered', dueAt: null }),
      delivery('a', 8, { runId: 'r3', dueAt: 40 }),
    );
    await add('b', delivery('b', 1));
    expect(await due(9)).toEqual([]);
    expect(await due(100)).toEqual(['a 3 1', 'a 4 0', 'a 1 0', 'a 8 0']);
    expect(await due(30)).toEqual(['a 3 1', 'a 4 0', 'a 1 0']);
    expect(await due(100, 2)).toEqual(['a 3 1', 'a 4 0']);
    expect((await webhooks.due('b', 5, 9)).map(({ body }) => body)).toEqual([delivery('b', 1).body]);
    // What waits behind one that is delivered, or dead, is due by its own time, or at once.
    await webhooks.settle(
      'a',
      progress(
        9,
        delivery('a', 1, { runId: 'r1', state: 'delivered', dueAt: null }),
        delivery('a', 4, { runId: 'r2', state: 'dead', dueAt: null }),
      ),
    );
    expect(await due(100)).toEqual(['a 5 0', 'a 2 0', 'a 3 1', 'a 8 0']);
  });

  test('say when the next delivery is due, and of which runs some wait', async () => {
    await add('a', delivery('a', 1, { dueAt: 30 }), delivery('a', 2, { dueAt: 10 }));
    expect(await webhooks.nextDueAt('a')).toBe(30);
    await webhooks.settle(
      'a',
      progress(
        9,
        delivery('a', 3, { runId: 'r2', target: 2, dueAt: 20 }),
        delivery('a', 4, { state: 'dead' }),
      ),
    );
    expect(await webhooks.nextDueAt('a')).toBe(20);
    expect(await webhooks.waitingOf('a', ['r1', 'r2', 'r3'])).toEqual(new Set(['r1 0', 'r2 2']));
    expect(await webhooks.waitingOf('a', ['r2'])).toEqual(new Set(['r2 2']));
    expect(await webhooks.waitingOf('a', [])).toEqual(new Set());
    await add('b');
    expect(await webhooks.nextDueAt('b')).toBeUndefined();
    expect(await webhooks.waitingOf('b', ['r1'])).toEqual(new Set());
  });

  test('count the deliveries that wait, and that are dead', async () => {
    const states = ['waiting', 'waiting', 'dead', 'delivered'] as const;
    await add('a', ...states.map((state, n) => delivery('a', n, { state })));
    await add('b');
    expect(await webhooks.counts()).toEqual(
      new Map([
        ['a', { waiting: 2, dead: 1 }],
        ['b', { waiting: 0, dead: 0 }],
      ]),
    );
  });

  test('show deliveries by any query in pages, the newest event first', async () => {
    const all = ['a', 'b'].flatMap((id) =>
      Array.from({ length: 24 }, (_, n) =>
        delivery(id, 1 + (n >> 1), {
          target: n % 2,
          runId: `r${n % 3}`,
          state: (['waiting', 'delivered', 'dead'] as const)[(n % 5) % 3]!,
          changedAt: n,
        }),
      ),
    );
    await add('a', ...all.filter(({ webhook }) => webhook === 'a'));
    await add('b', ...all.filter(({ webhook }) => webhook === 'b'));
    const queries: [DeliveryQuery, (one: KeptDelivery) => boolean][] = [
      [{}, () => true],
      [{ webhook: 'b' }, ({ webhook }) => webhook === 'b'],
      [{ webhook: 'none' }, () => false],
      [
        { webhook: 'a', states: ['dead', 'delivered'] },
        (one) => one.webhook === 'a' && one.state !== 'waiting',
      ],
      [{ states: ['dead'] }, ({ state }) => state === 'dead'],
      [{ runId: 'r1' }, ({ runId }) => runId === 'r1'],
      [{ runId: 'r1\0' }, () => false],
      [{ webhook: 'a', event: 3 }, (one) => one.webhook === 'a' && one.event === 3],
      [{ event: 3, target: 1 }, (one) => one.event === 3 && one.target === 1],
      [{ since: 5, until: 9 }, ({ changedAt }) => changedAt >= 5 && changedAt < 9],
      [
        { webhook: 'a', runId: 'r2', states: ['waiting'], since: 3 },
        (one) => one.webhook === 'a' && one.runId === 'r2' && one.state === 'waiting' && one.changedAt >= 3,
      ],
    ];
    for (const [query, fits] of queries) {
      const expected = all.filter(fits).sort(newestFirst);
      for (const limit of [3, 100]) expect(await pages(webhooks, query, limit)).toEqual(expected);
    }
  });

  test('redrive dead deliveries, which others of their run wait for again', async () => {
    const dead = { state: 'dead', dueAt: null, attempts: 18 } as const;
    await add(
      'a',
      delivery('a', 1, { ...dead, runId: 'r1', changedAt: 1 }),
      delivery('a', 2, { ...dead, runId: 'r1', changedAt: 2 }),
      delivery('a', 3, { runId: 'r1' }),
      delivery('a', 4, { ...dead, runId: 'r2' }),
      delivery('a', 5, { runId: 'r3', state: 'delivered' }),
    );
    await add('b', delivery('b', 1, dead));
    const due = async () => named(await webhooks.due('a', 100, 9));
    expect(await due()).toEqual(['a 3 0']);
    expect(await webhooks.redrive({ webhook: 'a', runId: 'r3' }, 50)).toBe(0);
    expect(await webhooks.redrive({ webhook: 'a', runId: 'r1', until: 3, since: 2 }, 50)).toBe(1);
    expect(await due()).toEqual(['a 2 0']);
    await tells(async () => {
      expect(await webhooks.redrive({ webhook: 'a', states: ['delivered'] }, 60)).toBe(2);
    });
    expect(await due()).toEqual(['a 1 0', 'a 4 0']);
    expect(await webhooks.deliveries({ webhook: 'a', event: 1 }, 9)).toEqual([
      delivery('a', 1, { runId: 'r1', changedAt: 1, attempts: 0, dueAt: 60 }),
    ]);
    expect((await webhooks.counts()).get('a')).toEqual({ waiting: 4, dead: 0 });
    expect((await webhooks.counts()).get('b')).toEqual({ waiting: 0, dead: 1 });
  });

  test('redrive and discard however many', async () => {
    const many = Array.from({ length: 2_100 }, (_, n) =>
      delivery('a', n >> 1, { target: n & 1, runId: `r${n >> 2}`, state: 'dead', dueAt: null }),
    );
    await add('a', ...many);
    expect(await webhooks.redrive({ webhook: 'a', until: 5 }, 7)).toBe(0);
    expect(await webhooks.redrive({ webhook: 'a' }, 7)).toBe(2_100);
    expect((await webhooks.due('a', 7, 5_000)).map(({ event }) => event % 2)).toEqual(Array(1_050).fill(0));
    await webhooks.settle('a', progress(3, ...many));
    expect(await webhooks.discard({ webhook: 'a' })).toBe(2_100);
    expect(await webhooks.deliveries({}, 9)).toEqual([]);
  });

  test('discard dead deliveries alone', async () => {
    await add('a', delivery('a', 1), ...[2, 3].map((event) => delivery('a', event, { state: 'dead' })));
    expect(await webhooks.discard({ webhook: 'a', event: 1 })).toBe(0);
    expect(await webhooks.discard({ webhook: 'a', event: 3, target: 0 })).toBe(1);
    expect(await webhooks.discard({ webhook: 'b' })).toBe(0);
    expect(named(await webhooks.deliveries({}, 9))).toEqual(['a 2 0', 'a 1 0']);
  });

  test('keep the newest thousand that are delivered, with some more, and all others', async () => {
    await add('a', delivery('a', 1), delivery('a', 2, { state: 'dead' }));
    await add('b', delivery('b', 1, { state: 'delivered' }));
    for (let from = 10; from < 2_010; from += 50)
      await webhooks.settle(
        'a',
        progress(
          from,
          ...Array.from({ length: 50 }, (_, n) =>
            delivery('a', from + n, { state: 'delivered', runId: `r${n}` }),
          ),
        ),
      );
    const left = await webhooks.deliveries({ webhook: 'a', states: ['delivered'] }, 5_000);
    expect(left.length).toBeGreaterThanOrEqual(1_000);
    expect(left.length).toBeLessThan(1_200);
    expect(left.map(({ event }) => event)).toEqual(left.map((_, n) => 2_009 - n));
    expect(named(await webhooks.deliveries({ states: ['waiting', 'dead'] }, 9))).toEqual(['a 2 0', 'a 1 0']);
    expect(named(await webhooks.deliveries({ webhook: 'b' }, 9))).toEqual(['b 1 0']);
  });

  test('lose the deliveries of a run that is erased, and take none of it after that', async () => {
    const writer = new EventWriter(journal);
    void writer.append(events.started('erased'));
    await writer.append(events.finished('erased'));
    const of = (runId: string, event: number) => delivery('a', event, { runId });
    await add('a', of('erased', 1), of('erased', 2), of('other', 3));
    expect(await journal.erase('erased')).toBe(true);
    expect(await webhooks.deliveries({}, 9)).toEqual([of('other', 3)]);
    expect(await webhooks.settle('a', progress(5, of('erased', 1), of('other', 4)))).toBe(true);
    expect(await webhooks.deliveries({}, 9)).toEqual([of('other', 4), of('other', 3)]);
    expect(await webhooks.waitingOf('a', ['erased', 'other'])).toEqual(new Set(['other 0']));
  });

  test('tell listeners when they are added, changed and removed', async () => {
    await tells(() => webhooks.add(kept('a')));
    await tells(() => webhooks.change('a', 1, { terms: '{}', paused: 'request' }));
    await tells(() => webhooks.remove('a'));
  });

  test('are what those in memory are, whatever is done with them', async () => {
    const runs = ['r1', 'r2', 'r3'];
    const aDelivery = fc.record({
      event: fc.integer({ min: 1, max: 12 }),
      target: fc.integer({ min: 0, max: 1 }),
      state: fc.constantFrom('waiting', 'waiting', 'delivered', 'dead'),
      dueAt: fc.option(fc.integer({ min: 1, max: 9 })),
    });
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ settle: fc.array(aDelivery, { maxLength: 6 }) }) },
      fc.record({ redrive: fc.record({ runId: fc.constantFrom(...runs) }) }),
      fc.record({ redrive: fc.record({ event: fc.integer({ min: 1, max: 12 }) }) }),
      fc.record({ discard: fc.record({ target: fc.integer({ min: 0, max: 1 }) }) }),
    );
    let at = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const id = `model ${(at += 1)}`;
        const model = new OwnWebhooks(() => 0);
        for (const one of [model, webhooks]) {
          await one.add(kept(id));
          await one.hold();
        }
        for (const one of steps) {
          const both = async (act: (keeping: WebhookKeeping) => Promise<unknown>) => {
            expect(await act(webhooks)).toEqual(await act(model));
          };
          if ('settle' in one) {
            // An event is of one run.
            const deliveries = one.settle.map((given) => ({
              ...delivery(id, given.event, given),
              runId: runs[given.event % runs.length]!,
            }));
            await both((keeping) => keeping.settle(id, progress(1, ...deliveries)));
          } else if ('redrive' in one)
            await both((keeping) => keeping.redrive({ webhook: id, ...one.redrive }, 4));
          else await both((keeping) => keeping.discard({ webhook: id, ...one.discard }));
          await both(async (keeping) => (await keeping.due(id, 6, 99)).sort(newestFirst));
          await both((keeping) => keeping.nextDueAt(id));
        }
        expect(await pages(webhooks, { webhook: id }, 4)).toEqual(await model.deliveries({}, 99));
        expect(await webhooks.waitingOf(id, runs)).toEqual(await model.waitingOf(id, runs));
        expect((await webhooks.counts()).get(id)).toEqual((await model.counts()).get(id));
      }),
      { numRuns: name === 'memory' ? 1 : 25 },
    );
  });
});

describe('the webhooks of nodes that share a Postgres', () => {
  let url: string;
  const nodes: PostgresJournal[] = [];
  beforeAll(async () => {
    url = await temporaryDatabase();
  });
  afterEach(async () => {
    const [some] = nodes;
    for (const { id } of (await some?.webhooks.list()) ?? []) await some?.webhooks.remove(id);
    for (const node of nodes.splice(0)) await node.close();
  });

  async function open(): Promise<PostgresJournal> {
    const options = {
      url,
      schema: 'frontrunner',
      role: 'all',
      retentionMs: 0,
      keyRetentionMs: 1_000,
    } as const;
    const node = await PostgresJournal.open(options, new EventBus(new EventEmitter2()));
    nodes.push(node);
    return node;
  }

  /** Lets all nodes believe that one of them has died. */
  const takeForDead = ({ sharing: { nodeId } }: PostgresJournal) =>
    executeThere([`DELETE FROM frontrunner.nodes WHERE id = '${nodeId}'`], url);

  const idsOf = (held: readonly KeptWebhook[]) => held.map(({ id }) => id).sort();

  /** Resolves when a node is told because of something. */
  async function isTold(node: PostgresJournal, what: () => Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    node.webhooks.onChange(() => {
      resolve(undefined);
    });
    await what();
    await promise;
  }

  test('are held by one of them each, in fair shares', async () => {
    const [a, b] = [await open(), await open()];
    for (const id of ['1', '2', '3', '4', 'runs']) await a.webhooks.add(kept(id));
    // A node that asks for none takes no share of them.
    expect(idsOf(await a.webhooks.hold())).toEqual(['1', '2', '3', '4', 'runs']);
    expect(await b.webhooks.hold()).toEqual([]);
    const held = await a.webhooks.hold();
    expect(held.filter(({ surplus }) => surplus).map(({ id }) => id)).toEqual(['runs', '4']);
    // It is still this node's, which ends what is under way.
    expect(await a.webhooks.settle('4', progress(7))).toBe(true);
    expect(await b.webhooks.hold()).toEqual([]);
    await isTold(b, async () => {
      for (const { id, surplus } of held) if (surplus) await a.webhooks.release(id);
    });
    expect(await b.webhooks.hold()).toEqual([kept('runs'), kept('4', { cursor: 7, cursorAt: 7 })]);
    expect(await a.webhooks.settle('4', progress(8))).toBe(false);
    expect(await a.webhooks.hold()).toEqual(['3', '2', '1'].map((id) => kept(id)));
    // One more than can be shared alike goes to whoever is first.
    await a.webhooks.remove('1');
    await a.webhooks.add(kept('5'));
    expect(idsOf(await b.webhooks.hold())).toEqual(['4', '5', 'runs']);
    expect(idsOf(await a.webhooks.hold())).toEqual(['2', '3']);
  });

  test('pass on from a node that ends', async () => {
    const [a, b] = [await open(), await open()];
    for (const id of ['1', '2', '3']) await a.webhooks.add(kept(id));
    expect(idsOf(await a.webhooks.hold())).toEqual(['1', '2', '3']);
    await b.webhooks.hold();
    await isTold(b, () => a.webhooks.release());
    expect(idsOf(await b.webhooks.hold())).toEqual(['1', '2', '3']);
    expect(await a.webhooks.settle('1', progress(1))).toBe(false);
  });

  test('pass on from a node that dies, with what it had recorded, and are its no more', async () => {
    const [a, b] = [await open(), await open()];
    await a.webhooks.add(kept('1'));
    await a.webhooks.hold();
    await a.webhooks.settle('1', progress(3, delivery('1', 2)));
    expect(await b.webhooks.hold()).toEqual([]);
    await takeForDead(a);
    expect(await a.webhooks.settle('1', progress(4))).toBe(false);
    expect(await a.webhooks.hold()).toEqual([]);
    expect(await b.webhooks.hold()).toEqual([kept('1', { cursor: 3, cursorAt: 3 })]);
    expect(named(await b.webhooks.due('1', 9, 9))).toEqual(['1 2 0']);
    expect(await a.webhooks.settle('1', progress(5, delivery('1', 5)))).toBe(false);
    // It begins anew, under another id.
    await a.sharing.lose();
    expect(await a.webhooks.hold()).toEqual([]);
    expect(await a.webhooks.settle('1', progress(5))).toBe(false);
    expect((await b.webhooks.deliveries({}, 9)).length).toBe(1);
  });

  test('are taken by one alone of nodes that ask at the same time', async () => {
    const all = await Promise.all([open(), open(), open()]);
    await Promise.all(Array.from({ length: 30 }, (_, n) => all[0].webhooks.add(kept(`${n}`))));
    for (let round = 0; round < 5; round += 1)
      await Promise.all(
        all.map(async ({ webhooks }) => {
          for (const { id, surplus } of await webhooks.hold()) if (surplus) await webhooks.release(id);
        }),
      );
    const held = await Promise.all(all.map(({ webhooks }) => webhooks.hold()));
    expect(held.map(({ length }) => length)).toEqual([10, 10, 10]);
    expect(new Set(held.flatMap(idsOf)).size).toBe(30);
  });

  test('are told of by whichever node changes them', async () => {
    const [a, b] = [await open(), await open()];
    await isTold(b, () => a.webhooks.add(kept('1')));
    await a.webhooks.hold();
    await isTold(b, () => a.webhooks.change('1', 1, { terms: '{}', paused: null }));
    await isTold(b, () =>
      a.webhooks.settle('1', { ...progress(3, delivery('1', 2, { state: 'dead' })), pause: 'gone' }),
    );
    await isTold(a, () => b.webhooks.redrive({ webhook: '1' }, 1));
    await isTold(b, () => a.webhooks.remove('1'));
  });

  test('take nothing of a run that is being erased at the same time', async () => {
    const [a, b] = [await open(), await open()];
    const writer = new EventWriter(a);
    void writer.append(events.started('erased'));
    await writer.append(events.finished('erased'));
    await a.webhooks.add(kept('1'));
    await a.webhooks.hold();
    const client = new Client(url);
    await client.connect();
    const waits = async (what: string): Promise<boolean> =>
      (await client.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype = '${what}'`)).rows.length > 0;
    const until = async (holds: () => Promise<boolean>): Promise<void> => {
      while (!(await holds()));
    };
    // It is recorded but for the last delivery, which waits for another transaction.
    await client.query('BEGIN');
    await client.query(`
      INSERT INTO frontrunner.webhook_deliveries (webhook, event, target, run_id, task, type, state, attempts, changed_at, is_first)
      VALUES ('1', 2, 0, '', '', '', 'dead', 0, 0, false)`);
    const settled = a.webhooks.settle(
      '1',
      progress(2, delivery('1', 1, { runId: 'erased' }), delivery('1', 2)),
    );
    await until(() => waits('transactionid'));
    let isErased = false;
    const erased = b.erase('erased').then((found) => (isErased = found));
    await until(async () => isErased || (await waits('advisory')));
    await client.query('ROLLBACK');
    await client.end();
    expect(await Promise.all([settled, erased])).toEqual([true, true]);
    expect(named(await a.webhooks.deliveries({}, 99))).toEqual(['1 2 0']);
  });

  test('say that the journal is unavailable when the database refuses', async () => {
    const node = await open();
    await node.webhooks.add(kept('1'));
    await node.webhooks.hold();
    const rename = (from: string, to: string) =>
      executeThere([`ALTER TABLE frontrunner.${from} RENAME TO ${to}`], url);
    await rename('webhooks', 'away');
    const { webhooks } = node;
    for (const call of [
      webhooks.list(),
      webhooks.add(kept('2')),
      webhooks.hold(),
      webhooks.settle('1', progress(2)),
      webhooks.release(),
      webhooks.redrive({}, 1),
    ])
      await expect(call).rejects.toMatchObject({ code: 'journal-unavailable' });
    await rename('away', 'webhooks');
    expect(await webhooks.settle('1', progress(2))).toBe(true);
  });
});
