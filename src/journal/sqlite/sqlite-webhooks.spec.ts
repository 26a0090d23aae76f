import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { v7 as uuidv7 } from 'uuid';
import { askFor, faultsInThreads, mend } from '../../../test/support/ask-for-faults.js';
import { DatabaseFile } from '../../../test/support/database-file.js';
import { events } from '../../../test/support/run-events.js';
import { storeOptions } from '../../../test/support/store-options.js';
import { EventBus } from '../../events/event-bus.js';
import type { KeptDelivery, KeptWebhook } from '../../run/webhook-keeping.js';
import { READS, UNSYNCED, WRITES } from './beside-log.js';
import { backUp } from './copy-log.js';
import { deleteFinished, eraseRun } from './old-runs.js';
import { SqliteJournal } from './sqlite-journal.js';
import { migrations } from './sqlite-schema.js';
import { SqliteStore } from './sqlite-store.js';
import { Statements } from './statements.js';
import { verifyLog } from './verify-log.js';

const HOUR_MS = 3_600_000;

const webhook: KeptWebhook = {
  id: 'w',
  terms: '{"url":"https://example.com"}',
  client: 'me',
  createdAt: 1,
  revision: 1,
  paused: null,
  pausedAt: null,
  cursor: 3,
  cursorAt: 4,
};

const delivery = (event: number, also: Partial<KeptDelivery> = {}): KeptDelivery => ({
  ...{ webhook: 'w', event, target: 0, runId: 'r1', task: 'task', type: 'run.finished', state: 'waiting' },
  ...{ attempts: 1, dueAt: 5, changedAt: 5, report: '{}', body: '{}', terms: null },
  ...also,
});

describe('the webhooks of an SQLite file', () => {
  let database: DatabaseFile;
  let journal: SqliteJournal | undefined;
  beforeEach(() => {
    database = new DatabaseFile();
  });
  afterEach(async () => {
    faultsInThreads(undefined);
    await journal?.close();
    journal = undefined;
    database.remove();
  });

  async function open(): Promise<SqliteJournal['webhooks']> {
    const { path } = database;
    const options = { path, durability: 'power', retentionMs: 0, keyRetentionMs: HOUR_MS } as const;
    journal = await SqliteJournal.open(options, new EventBus(new EventEmitter2()));
    return journal.webhooks;
  }

  function openStore(path = database.path): SqliteStore {
    const store = SqliteStore.open(storeOptions(path));
    store.claim();
    return store;
  }

  /** Leaves a webhook with two deliveries that wait, and a third that is dead. */
  function leave(): void {
    const store = openStore();
    store.write('addWebhook', [webhook]);
    const deliveries = [delivery(1), delivery(2), delivery(3, { state: 'dead' })];
    const progress = { cursor: 5, cursorAt: 6, deliveries };
    store.write('settleWebhooks', [[{ id: 'w', progress, now: 0, prunes: false }]]);
    store.close();
  }

  function change(sql: string): void {
    const file = new DatabaseSync(database.path);
    file.exec(sql);
    file.close();
  }

  test('are there after a restart, and in a backup', async () => {
    leave();
    const copy = join(database.directory, 'copy.db');
    expect(backUp(database.path, copy).flaws).toEqual([]);
    const store = openStore(copy);
    expect(store.read('webhooks', [])).toEqual([{ ...webhook, cursor: 5, cursorAt: 6 }]);
    expect(store.read('dueDeliveries', ['w', 9, 9])).toEqual([delivery(1)]);
    store.close();
    change('UPDATE webhooks SET cursor = cursor + 1');
    await expect((await open()).hold()).rejects.toMatchObject({ code: 'journal-unavailable' });
    expect(journal?.obstacle).toMatchObject({ message: expect.stringMatching(/is damaged/) });
  });

  test.each<[string, string, Parameters<SqliteStore['read']>]>([
    ['webhooks', "UPDATE webhooks SET terms = replace(terms, 'example', 'evil')", ['webhooks', []]],
    ['webhooks', "UPDATE webhooks SET client = 'you'", ['webhook', ['w']]],
    ['webhooks', "UPDATE webhooks SET paused = 'gone', paused_at = 1", ['webhooks', []]],
    ['webhooks', 'UPDATE webhooks SET cursor_at = cursor_at + 1', ['webhooks', []]],
    [
      'webhook_deliveries',
      "UPDATE webhook_deliveries SET body = '[]' WHERE event = 1",
      ['dueDeliveries', ['w', 9, 9]],
    ],
    [
      'webhook_deliveries',
      'UPDATE webhook_deliveries SET is_first = 1 WHERE event = 2',
      ['dueDeliveries', ['w', 9, 9]],
    ],
    [
      'webhook_deliveries',
      "UPDATE webhook_deliveries SET state = 'dead' WHERE event = 2",
      ['deliveryPage', [{}, 9]],
    ],
  ])('are not believed where a row of %s was changed: %s', (table, sql, read) => {
    leave();
    expect(verifyLog(database.path).flaws).toEqual([]);
    change(sql);
    expect(verifyLog(database.path).flaws).toEqual([`a row of ${table} is not what was written`]);
    const store = openStore();
    expect(() => store.read(...read)).toThrow(expect.objectContaining({ kind: 'damaged' }));
    store.close();
  });

  test('record nothing of what can’t be committed, and say that the journal is unavailable', async () => {
    faultsInThreads(database);
    const webhooks = await open();
    await webhooks.add(webhook);
    await webhooks.hold();
    const unavailable = {
      code: 'journal-unavailable',
      message: expect.stringMatching(/can’t be written.*full/),
    };
    const progress = { cursor: 5, cursorAt: 6, deliveries: [delivery(1)] };
    askFor(database, 'full');
    const settled = [0, 1].map(() => webhooks.settle('w', progress));
    for (const call of [
      ...settled,
      webhooks.add({ ...webhook, id: 'v' }),
      webhooks.change('w', 1, { terms: '{}', paused: null }),
      webhooks.redrive({}, 1),
      webhooks.discard({}),
      webhooks.remove('w'),
    ])
      await expect(call).rejects.toMatchObject(unavailable);
    expect(await webhooks.list()).toEqual([webhook]);
    mend(database, 'full');
    expect(await webhooks.settle('w', progress)).toBe(true);
    expect(await webhooks.due('w', 9, 9)).toEqual([delivery(1)]);
  });

  test('go on when their thread ends in the middle of a transaction', async () => {
    faultsInThreads(database);
    const webhooks = await open();
    await webhooks.add(webhook);
    await webhooks.hold();
    askFor(database, 'before', 'thread: INTO webhook_deliveries');
    const settle = () => webhooks.settle('w', { cursor: 5, cursorAt: 6, deliveries: [delivery(1)] });
    await expect(settle()).rejects.toMatchObject({ code: 'journal-unavailable' });
    expect(await webhooks.deliveries({}, 9)).toEqual([]);
    expect(await settle()).toBe(true);
    expect(await webhooks.due('w', 9, 9)).toEqual([delivery(1)]);
  });

  test('keep runs that one of them has not read, and lose what was given up, with the retention', async () => {
    const day = Date.now() - 24 * HOUR_MS;
    const runs = [0, 1, 2].map((hour) => uuidv7({ msecs: day + hour * HOUR_MS }));
    await database.write(
      runs.flatMap((id, hour) => {
        const agoMs = Date.now() - day - hour * HOUR_MS;
        return [
          { ...events.started(id), agoMs },
          { ...events.finished(id), agoMs },
        ];
      }),
    );
    const store = openStore();
    const left = async () => (await store.runs({ limit: 9 })).map(({ id }) => id).reverse();
    const add = (id: string, cursorAt: number) => store.write('addWebhook', [{ ...webhook, id, cursorAt }]);
    add('v', day + 3 * HOUR_MS);
    add('w', day + HOUR_MS);
    const dead = [delivery(1, { changedAt: day }), delivery(2, { changedAt: Date.now() })];
    const progress = {
      cursor: 3,
      cursorAt: day + HOUR_MS,
      deliveries: dead.map((one) => ({ ...one, state: 'dead' })),
    };
    store.write('settleWebhooks', [[{ id: 'w', progress, now: 0, prunes: false }]]);
    expect(store.deleteFinished(Date.now() - HOUR_MS, 9)).toBe(2);
    expect(await left()).toEqual(runs.slice(1));
    expect(store.read('deliveryPage', [{}, 9])).toEqual([{ ...dead[1], state: 'dead' }]);
    store.write('removeWebhook', ['w', 9]);
    expect(store.deleteFinished(Date.now() - HOUR_MS, 9)).toBe(2);
    expect(await left()).toEqual([]);
    store.close();
    expect(verifyLog(database.path).flaws).toEqual([]);
  });

  test('wait for no disk when they are settled, and let all other commits wait for it again', () => {
    const file = new DatabaseSync(database.path);
    const statements = new Statements(file);
    const level = () => file.prepare('PRAGMA synchronous').get();
    for (const _again of [1, 2]) {
      expect(statements.unsynced(level)).toEqual({ synchronous: 1 });
      expect(level()).toEqual({ synchronous: 2 });
    }
    expect(() =>
      statements.unsynced(() => {
        throw new Error('full');
      }),
    ).toThrow('full');
    expect(level()).toEqual({ synchronous: 2 });
    expect([...UNSYNCED]).toEqual(['settleWebhooks', 'putNote', 'claimNote', 'removeNote']);
    file.close();
  });

  test('are found by indexes, however many deliveries there are', () => {
    const statements: string[] = [];
    const file = new DatabaseSync(database.path);
    for (const apply of Object.values(migrations)) apply(file);
    class Heard extends Statements {
      override prepare(sql: string) {
        statements.push(sql);
        return super.prepare(sql);
      }
    }
    const heard = new Heard(file);
    WRITES.addWebhook(heard, webhook);
    const progress = { cursor: 5, cursorAt: 6, deliveries: [delivery(1), delivery(2, { state: 'dead' })] };
    WRITES.settleWebhooks(heard, [
      { id: 'w', progress: { ...progress, pause: 'gone' }, now: 1, prunes: true },
    ]);
    READS.dueDeliveries(heard, 'w', 9, 9);
    READS.nextDueAt(heard, 'w');
    READS.waitingOf(heard, 'w', ['r1']);
    READS.deliveryCounts(heard);
    const behind = { event: 5, webhook: 'w', target: 0 };
    for (const query of [{}, { webhook: 'w' }, { runId: 'r1' }, { webhook: 'w', event: 1, target: 0 }])
      READS.deliveryPage(heard, { ...query, since: 1 }, 9, behind);
    WRITES.redriveSome(heard, { webhook: 'w' }, 1, 9);
    WRITES.discardSome(heard, { webhook: 'w' }, 9);
    WRITES.removeWebhook(heard, 'w', 1);
    deleteFinished(heard, 1, 9);
    eraseRun(heard, 'r1');
    const ofDeliveries = new Set(statements.filter((sql) => sql.includes('webhook_deliveries')));
    expect(ofDeliveries.size).toBeGreaterThan(12);
    const scans = [...ofDeliveries].filter((sql) =>
      JSON.stringify(file.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()).includes('SCAN webhook_deliveries'),
    );
    expect(scans).toEqual([]);
    file.close();
  });
});
