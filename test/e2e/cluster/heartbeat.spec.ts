import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PostgresJournal } from '../../../src/journal/postgres/postgres-journal.js';
import { Journal } from '../../../src/run/journal.js';
import { TestCluster } from '../../support/test-cluster.js';

const TIMEOUT_MS = 2_000;
/** More than a node has for readers. */
const CONNECTIONS = 12;

describe('a node’s heartbeat', () => {
  let cluster: TestCluster;
  beforeEach(() => {
    cluster = new TestCluster();
  });
  afterEach(async () => {
    await cluster.end();
  });

  test('goes on while readers hold all other connections, so that nobody takes the node for dead', async () => {
    const env = { NODE_TIMEOUT: `${TIMEOUT_MS}ms` };
    const witness = await cluster.start([], env);
    const busy = await cluster.start([], env);
    const id = cluster.idOf(busy);
    const { db } = busy.app.get<PostgresJournal>(Journal).store;
    const held = Promise.withResolvers<undefined>();
    const holding = Array.from({ length: CONNECTIONS }, () => db.connection().execute(() => held.promise));
    // Whoever has all of them taken asks no more.
    await delay(2 * TIMEOUT_MS);
    expect(cluster.idOf(busy)).toBe(id);
    const [row] = await cluster.query<{ away: number }>(
      'SELECT extract(epoch FROM clock_timestamp() - seen_at)::float8 * 1000 AS away FROM frontrunner.nodes WHERE id = $1',
      [id],
    );
    expect(row?.away).toBeLessThan(TIMEOUT_MS);
    expect(witness.log.lines.filter(({ msg }) => msg.includes('was not seen for'))).toEqual([]);
    held.resolve(undefined);
    await Promise.all(holding);
  });

  test('goes on over another connection when its own has broken', async () => {
    const node = await cluster.start([], { NODE_TIMEOUT: `${TIMEOUT_MS}ms` });
    const id = cluster.idOf(node);
    const seenAt = async () =>
      (
        await cluster.query<{ seen: number }>(
          'SELECT extract(epoch FROM seen_at)::float8 AS seen FROM frontrunner.nodes WHERE id = $1',
          [id],
        )
      )[0]?.seen ?? 0;
    await cluster.query(`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND query LIKE '%free_slots%' AND pid <> pg_backend_pid()`);
    const broken = await seenAt();
    while ((await seenAt()) <= broken) await delay(20);
    expect(cluster.idOf(node)).toBe(id);
  });
});
