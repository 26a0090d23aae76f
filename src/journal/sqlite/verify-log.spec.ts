import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { DatabaseFile } from '../../../test/support/database-file.js';
import { events } from '../../../test/support/run-events.js';
import { storeOptions } from '../../../test/support/store-options.js';
import { DELIVERY_COLUMNS } from './delivery-rows.js';
import { END, START } from './run-columns.js';
import { SqliteStore } from './sqlite-store.js';
import { verifyLog } from './verify-log.js';
import { WEBHOOK_START } from './webhook-rows.js';

const RUNS = 120;

/** Leaves a webhook with some deliveries. */
function leaveWebhook(path: string): void {
  const store = SqliteStore.open(storeOptions(path));
  store.claim();
  const webhook = { id: 'w', terms: '{"url":"x"}', client: null, createdAt: 1, revision: 1 };
  store.write('addWebhook', [{ ...webhook, paused: null, pausedAt: null, cursor: 1, cursorAt: 1 }]);
  const deliveries = Array.from({ length: 30 }, (_, event) => ({
    ...{ webhook: 'w', event, target: 0, runId: `0-${event >> 1}`, task: 'task', type: 'run.finished' },
    ...{
      state: 'waiting',
      attempts: 1,
      dueAt: 5,
      changedAt: 5,
      report: '{}',
      body: 'x'.repeat(200),
      terms: null,
    },
  }));
  const progress = { cursor: 2, cursorAt: Date.now() + 3_600_000, deliveries };
  store.write('settleWebhooks', [[{ id: 'w', progress, now: 1, prunes: true }]]);
  store.close();
}

/** All that a reader of the log or of runs gets to see. */
function contentOf(path: string): unknown[] {
  const file = new DatabaseSync(path, { readOnly: true });
  try {
    return [
      'SELECT first, last, events FROM commits ORDER BY first',
      `SELECT ${START}, ${END} FROM runs ORDER BY number`,
      `SELECT ${START}, set_aside FROM open_runs ORDER BY number`,
      'SELECT label, labelled_at, run FROM run_labels ORDER BY run, label',
      `SELECT ${WEBHOOK_START}, cursor, cursor_at FROM webhooks ORDER BY id`,
      `SELECT ${DELIVERY_COLUMNS}, is_first FROM webhook_deliveries ORDER BY event`,
    ].map((sql) => file.prepare(sql).all());
  } finally {
    file.close();
  }
}

describe('verifyLog', () => {
  let database: DatabaseFile;
  beforeEach(async () => {
    database = new DatabaseFile();
    for (let run = 0; run < RUNS; run += 10)
      await database.write(
        Array.from({ length: 10 }, (_, at) => `0-${run + at}`).flatMap((id, at) => [
          events.started(id, 'x'.repeat(200)),
          events.attempt(id),
          events.succeeded(id, 'won'),
          ...(at > 0 ? [events.finished(id)] : []),
        ]),
      );
    leaveWebhook(database.path);
  });
  afterEach(() => {
    database.remove();
  });

  test('finds nothing wrong with what the journal writes, also where retention has taken runs out of it', async () => {
    expect(verifyLog(database.path)).toEqual({ events: RUNS * 3.9, lastId: RUNS * 3.9, flaws: [] });
    const store = SqliteStore.open(storeOptions(database.path));
    store.claim();
    expect(store.deleteFinished(Date.now() + 1, RUNS / 2)).toBe(RUNS / 2);
    store.close();
    const { events: left, flaws } = verifyLog(database.path);
    expect([left, flaws]).toEqual([RUNS * 3.9 - (RUNS / 2) * 4, []]);
  });

  test('finds each damaged byte that changes anything, wherever it is', () => {
    const whole = readFileSync(database.path);
    const content = contentOf(database.path);
    const damaged = `${database.path}.damaged`;
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      length: fc.constantFrom(1, 1, 512, 4096),
      mask: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(damage, ({ at, length, mask }) => {
        const bytes = Buffer.from(whole);
        if (length === 1) bytes[at]! ^= mask;
        else bytes.fill(0, at, Math.min(at + length, whole.length));
        writeFileSync(damaged, bytes);
        let found = true;
        try {
          found = verifyLog(damaged).flaws.length > 0;
        } catch {
          // It isn't even opened.
        }
        if (!found) expect(contentOf(damaged)).toEqual(content);
      }),
      { numRuns: 150 },
    );
  });

  const testOnLinux = process.platform === 'linux' ? test : test.skip;
  testOnLinux('tells a file that the disk can’t read from one that is damaged', () => {
    const file = new DatabaseSync(database.path);
    file.exec("UPDATE runs SET status = 'failed'");
    file.close();
    expect(verifyLog(database.path).isUnread).toBeUndefined();
    rmSync(`${database.path}.end`);
    // Its first byte can’t be read.
    symlinkSync('/proc/self/mem', `${database.path}.end`);
    expect(verifyLog(database.path)).toMatchObject({
      isUnread: true,
      flaws: [expect.stringMatching(/\.end can’t be read from byte 0 on \(EIO\): look after its disk/)],
    });
  });

  test('finds rows that are missing, in the middle and at the end', () => {
    const remove = (sql: string): readonly string[] => {
      const path = `${database.path}.cut`;
      copyFileSync(database.path, path);
      const file = new DatabaseSync(path);
      file.exec(sql);
      file.close();
      copyFileSync(`${database.path}.end`, `${path}.end`);
      return verifyLog(path).flaws;
    };
    const middle =
      'DELETE FROM commits WHERE first = (SELECT first FROM commits ORDER BY first LIMIT 1 OFFSET 3)';
    expect(remove(middle)).toEqual([expect.stringMatching(/^events before event \d+ are missing$/)]);
    expect(remove('DELETE FROM commits WHERE first = (SELECT max(first) FROM commits)').join()).toMatch(
      /events up to \d+ had been told, and are missing/,
    );
  });
});
