import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import type { SavedStatistics, Stretch } from '../../run/journal.js';
import type { RunQuery } from '../../run/journal-pages.js';
import type { RunCommand } from '../../run/sharing.js';
import { firstIdOf } from '../event-clock.js';
import { MOST_STARTS } from '../survival.js';
import { historyQuery, type HistoryTables } from '../history-query.js';
import type { RunRow } from '../history-rows.js';
import { CommitReader } from './commit-reader.js';
import type { DatabaseClock } from './database-clock.js';
import type { Schema } from './postgres-schema.js';
import { QUEUES } from './queues.js';

const HISTORY: HistoryTables = {
  open: sql`open_runs`,
  setAside: sql`set_aside::integer`,
  ofStatus: sql`runs`,
  ofTask: sql`runs`,
  ofClient: sql`runs`,
  ofRequest: sql`runs`,
  ofTrace: sql`runs`,
  labels: sql`run_labels`,
  openOfLabel: sql`run_labels AS one JOIN open_runs ON id = run`,
  ofLabel: sql`run_labels AS one JOIN runs ON id = run`,
  openChecks: sql``,
  finishedChecks: sql``,
  numberOfLabel: sql`number`,
  labelled: sql`id`,
};

/** Reads and writes the journal's tables in Postgres, except for commits of groups. */
export class PostgresStore {
  readonly log: CommitReader;
  /** Saves run one after the other, so that an older one can't come last. */
  private saving: Promise<void> = Promise.resolve();

  constructor(readonly db: Kysely<Schema>) {
    this.log = new CommitReader(db);
  }

  async lastId(): Promise<number> {
    return (await this.db.selectFrom('log_head').select('last_id').executeTakeFirstOrThrow()).last_id;
  }

  /** Sets a clock by the database's clock. */
  async setClock(clock: DatabaseClock): Promise<void> {
    const sentAt = performance.now();
    const { rows } = await sql<{ now: number }>`
      SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now`.execute(this.db);
    if (rows[0]) clock.measured(rows[0].now, sentAt, performance.now());
  }

  /** When the newest run that is older than a time was created. Both are milliseconds since 1970. */
  async newestRun(before: number): Promise<number | undefined> {
    const { rows } = await sql<{ newest: number | null }>`
      SELECT greatest(
        (SELECT created_at FROM runs WHERE id < ${firstIdOf(before)} ORDER BY id DESC LIMIT 1),
        (SELECT max(created_at) FROM open_runs WHERE created_at < ${before})) AS newest`.execute(this.db);
    return rows[0]?.newest ?? undefined;
  }

  async runs(query: RunQuery): Promise<RunRow[]> {
    const { rows } = await historyQuery(query, HISTORY).execute(this.db);
    if (rows.length === 0) return rows;
    const found = await this.db
      .selectFrom('run_labels')
      .select(['run', sql<string[]>`array_agg(label ORDER BY label)`.as('labels')])
      .where(
        'run',
        'in',
        rows.map(({ id }) => id),
      )
      .groupBy('run')
      .execute();
    const labels = new Map(found.map((row) => [row.run, row.labels]));
    return rows.map((row) => ({ ...row, labels: labels.get(row.id) }));
  }

  /** Whether there is a run, unfinished or finished. */
  async hasRun(id: string): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`SELECT ${isRun(sql`${id}`)} AS found`.execute(this.db);
    return rows[0]?.found ?? false;
  }

  /** What the database has of a run that a transaction requested: the run, the request, or neither. */
  async requested(id: string): Promise<{ readonly begun: boolean; readonly asked: boolean }> {
    const { rows } = await sql<{ begun: boolean; asked: boolean }>`
      SELECT ${isRun(sql`${id}`)} AS begun,
        EXISTS (SELECT FROM requested_runs WHERE requested_runs.id = ${id}) AS asked`.execute(this.db);
    return rows[0] ?? { begun: false, asked: false };
  }

  async isSetAside(id: string): Promise<boolean> {
    const run = await this.db
      .selectFrom('open_runs')
      .select('set_aside')
      .where('id', '=', id)
      .executeTakeFirst();
    return run?.set_aside ?? false;
  }

  /**
   * The sub-tasks of an unfinished run that wait among the dead letters, and that no node has.
   *
   * @param queues the schema of pg-boss
   */
  async deadSubTasks(id: string, queues: string): Promise<readonly string[]> {
    const { rows } = await sql<{ name: string }>`
      SELECT sub_task AS name FROM open_runs JOIN placed ON run = number
      WHERE open_runs.id = ${id} AND placed.node IS NULL AND EXISTS (
        SELECT FROM ${sql.id(queues, 'job')} AS job
        WHERE name = ${QUEUES.dead} AND state < 'active' AND data ->> 'runId' = open_runs.id AND data ->> 'subTask' = sub_task)`.execute(
      this.db,
    );
    return rows.map(({ name }) => name);
  }

  /**
   * Lets nodes resume a run that was set aside, and tells them. If the next node that takes it over dies too, the run is set aside again.
   */
  async takeBack(id: string): Promise<void> {
    await sql`
      WITH taken_back AS (
        UPDATE open_runs SET set_aside = false, taken_at = clock_timestamp(), takeovers = ${MOST_STARTS - 1}
        WHERE id = ${id} AND set_aside
        RETURNING id)
      SELECT pg_notify(current_schema(), '["let-go", ""]') FROM taken_back`.execute(this.db);
  }

  /**
   * Keeps a command for an unfinished run, and tells the node that executes the run.
   *
   * @returns the command's id; undefined when the run has finished
   */
  async command({ runId, kind, subTask, key }: RunCommand): Promise<number | undefined> {
    const { rows } = await sql<{ id: number }>`
      WITH asked AS (
        INSERT INTO commands (run, run_id, kind, sub_task, key)
        SELECT number, id, ${kind}, ${subTask ?? null}, ${key ?? null} FROM open_runs WHERE id = ${runId} RETURNING id, run)
      SELECT asked.id, pg_notify(current_schema(), json_build_array('command', node)::text)
      FROM asked JOIN open_runs ON open_runs.number = asked.run`.execute(this.db);
    return rows[0]?.id;
  }

  async withdraw(command: number): Promise<boolean> {
    const { numDeletedRows } = await this.db
      .deleteFrom('commands')
      .where('id', '=', command)
      .executeTakeFirst();
    return numDeletedRows > 0;
  }

  /**
   * Assigns a key to a run, unless the key belongs to another run: one that exists, or one that another node is about to start.
   *
   * @param after keys from before this time have expired, in milliseconds since 1970
   * @param now the time of the claim, on the same clock
   */
  async claimKey(
    { client, key, fingerprint }: IdempotencyKey,
    runId: string,
    node: string,
    after: number,
    now: number,
  ): Promise<KeyedRun & { readonly isStarted: boolean }> {
    const row = { client, key, fingerprint, run_id: runId, node, created_at: now };
    const claimed = await this.db
      .insertInto('idempotency_keys')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['client', 'key'])
          .doUpdateSet(row)
          // A claim is void when its node died, or failed, before it started the run.
          .where(
            sql<boolean>`idempotency_keys.created_at <= ${after} OR (
              NOT ${isRun(sql`idempotency_keys.run_id`)}
              AND (idempotency_keys.node = ${node}
                OR NOT EXISTS (SELECT FROM nodes WHERE id = idempotency_keys.node)))`,
          ),
      )
      .returning('run_id')
      .executeTakeFirst();
    if (claimed) return { runId, fingerprint, isStarted: false };
    const found = await this.db
      .selectFrom('idempotency_keys')
      .select(['run_id', 'fingerprint', isRun(sql`idempotency_keys.run_id`).as('isStarted')])
      .where('client', '=', client)
      .where('key', '=', key)
      .executeTakeFirst();
    if (!found) return this.claimKey({ client, key, fingerprint }, runId, node, after, now);
    return { runId: found.run_id, fingerprint: found.fingerprint, isStarted: found.isStarted };
  }

  async releaseKey({ client, key }: IdempotencyKey, runId: string): Promise<void> {
    await this.db
      .deleteFrom('idempotency_keys')
      .where('client', '=', client)
      .where('key', '=', key)
      .where('run_id', '=', runId)
      .execute();
  }

  /** Saves all of the changes or nothing; nothing if another node has saved newer ones. For the parameters see the journal. */
  saveStatistics(changed: SavedStatistics, kept: Stretch): Promise<void> {
    const save = () => this.save(changed, kept);
    return (this.saving = this.saving.then(save, save));
  }

  async savedStatistics(): Promise<SavedStatistics | undefined> {
    const counted = await this.db
      .selectFrom('counted_events')
      .select(['up_to as upTo', 'read_from as readFrom'])
      .executeTakeFirst();
    return counted && { ...counted, slices: await this.db.selectFrom('statistics').selectAll().execute() };
  }

  private async save({ slices, upTo, readFrom }: SavedStatistics, { from, to }: Stretch): Promise<void> {
    await this.db.transaction().execute(async (db) => {
      const counted = { only: 1, up_to: upTo, read_from: readFrom };
      const saved = await db
        .insertInto('counted_events')
        .values(counted)
        .onConflict((conflict) =>
          conflict.column('only').doUpdateSet(counted).where('counted_events.up_to', '<=', upTo),
        )
        .returning('only')
        .executeTakeFirst();
      if (!saved) return;
      for (const { task, start, data } of slices)
        await db
          .insertInto('statistics')
          .values({ task, start, data })
          .onConflict((conflict) => conflict.columns(['task', 'start']).doUpdateSet({ data }))
          .execute();
      await db
        .deleteFrom('statistics')
        .where((row) => row.or([row('start', '<', from), row('start', '>', to)]))
        .execute();
    });
  }
}

/** Whether there is a run with this id, unfinished or finished. */
function isRun(id: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`(EXISTS (SELECT FROM open_runs WHERE open_runs.id = ${id})
    OR EXISTS (SELECT FROM runs WHERE runs.id = ${id}))`;
}
