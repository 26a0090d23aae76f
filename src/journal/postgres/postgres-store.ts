import { sql, type Kysely } from 'kysely';
import { historyQuery, type RunIndexes, type RunRow } from '../history-query.js';
import type { IdempotencyKey, KeyedRun } from '../../run/idempotency-key.js';
import {
  PAGE_SIZE,
  type EventQuery,
  type RunQuery,
  type SavedStatistics,
  type Stretch,
} from '../../run/journal.js';
import { fillPage, LogQueries, type EventRow } from '../log-queries.js';
import { deleteFinished, deleteKeys } from '../old-rows.js';
import type { Schema } from './postgres-schema.js';

const RUN_INDEXES: RunIndexes = {
  ofStatus: sql`frontrunner.runs`,
  ofTask: sql`frontrunner.runs`,
};

/** How many events a tail reads at a time. */
const TAIL_PAGE = 1_000;

/** The journal's tables in Postgres, but for what is committed in groups. */
export class PostgresStore {
  private readonly log: LogQueries;

  constructor(readonly db: Kysely<Schema>) {
    this.log = new LogQueries(db);
  }

  async lastId(): Promise<number> {
    return (await this.db.selectFrom('log_head').select('last_id').executeTakeFirstOrThrow()).last_id;
  }

  /** The events of runs, run by run in their order. */
  eventsOfRuns(ids: readonly string[]): Promise<EventRow[]> {
    return this.log
      .eventsOfRuns()
      .where('runs.id', 'in', ids.length > 0 ? ids : [''])
      .orderBy('events.run')
      .orderBy('events.id')
      .execute();
  }

  /** The same of runs by their numbers. */
  eventsOfNumbers(numbers: readonly number[]): Promise<EventRow[]> {
    return this.log
      .eventsOfRuns()
      .where('events.run', 'in', numbers)
      .orderBy('events.run')
      .orderBy('events.id')
      .execute();
  }

  async runs(query: RunQuery): Promise<RunRow[]> {
    return (await historyQuery(query, RUN_INDEXES).execute(this.db)).rows;
  }

  /** A page of events up to one of them; undefined for a run that there is none of. */
  async events(query: EventQuery, upTo: number): Promise<{ rows: EventRow[]; next: number } | undefined> {
    const page = await this.log.page(query, upTo);
    const { rows, full } = await fillPage(await this.bounded(page.query).execute(), query.limit);
    const { after, runId } = query;
    if (rows.length === 0 && runId !== undefined && !(await this.log.hasRun(runId))) return undefined;
    return { rows, next: full ? (rows.at(-1)?.id ?? after) : Math.max(after, page.last) };
  }

  /** A page of the events behind one, up to another one, of some runs or of all. */
  async tail(
    after: number,
    upTo: number,
    runs: 'all' | readonly string[],
  ): Promise<{ rows: EventRow[]; next: number }> {
    let query = this.log
      .eventsOfRuns()
      .where('events.id', '>', after)
      .where('events.id', '<=', upTo)
      .orderBy('events.id')
      .limit(TAIL_PAGE);
    if (runs !== 'all') query = query.where(sql<boolean>`runs.id = ANY (${[...runs]})`);
    const { rows, full } = await fillPage(await this.bounded(query).execute(), TAIL_PAGE);
    return { rows, next: full ? (rows.at(-1)?.id ?? upTo) : upTo };
  }

  /**
   * Makes a key a run's, unless it is another's: of its first use, or of a run that another node is about to start.
   *
   * @param after keys from before then have expired, in milliseconds since 1970
   */
  async claimKey(
    { client, key, fingerprint }: IdempotencyKey,
    runId: string,
    node: string,
    after: number,
  ): Promise<KeyedRun & { readonly isStarted: boolean }> {
    const row = { client, key, fingerprint, run_id: runId, node, created_at: Date.now() };
    const claimed = await this.db
      .insertInto('idempotency_keys')
      .values(row)
      .onConflict((conflict) =>
        conflict
          .columns(['client', 'key'])
          .doUpdateSet(row)
          // A claim is void when its node died, or failed, before the run was started.
          .where(
            sql<boolean>`idempotency_keys.created_at <= ${after} OR (
              NOT EXISTS (SELECT FROM frontrunner.runs WHERE id = idempotency_keys.run_id)
              AND (idempotency_keys.node = ${node}
                OR NOT EXISTS (SELECT FROM frontrunner.nodes WHERE id = idempotency_keys.node)))`,
          ),
      )
      .returning('run_id')
      .executeTakeFirst();
    if (claimed) return { runId, fingerprint, isStarted: false };
    const found = await this.db
      .selectFrom('idempotency_keys')
      .leftJoin('runs', 'runs.id', 'idempotency_keys.run_id')
      .select(['run_id', 'fingerprint', 'runs.number'])
      .where('client', '=', client)
      .where('key', '=', key)
      .executeTakeFirst();
    if (!found) return this.claimKey({ client, key, fingerprint }, runId, node, after);
    return { runId: found.run_id, fingerprint: found.fingerprint, isStarted: found.number !== null };
  }

  async releaseKey({ client, key }: IdempotencyKey, runId: string): Promise<void> {
    await this.db
      .deleteFrom('idempotency_keys')
      .where('client', '=', client)
      .where('key', '=', key)
      .where('run_id', '=', runId)
      .execute();
  }

  /** @returns how many it deleted */
  deleteFinished(before: number, limit: number): Promise<number> {
    return deleteFinished(this.db, before, limit);
  }

  /** @returns how many it deleted */
  deleteKeys(before: number, limit: number): Promise<number> {
    return deleteKeys(this.db, before, limit);
  }

  /** All or nothing; nothing when another node has saved more. For the parameters see the journal. */
  async saveStatistics({ slices, upTo, readFrom }: SavedStatistics, { from, to }: Stretch): Promise<void> {
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

  savedStatistics(): Promise<SavedStatistics | undefined> {
    return this.log.savedStatistics();
  }

  /** Leaves out what is behind the row that makes a page full, so that the database doesn't send it. */
  private bounded(rows: ReturnType<LogQueries['eventsOfRuns']>) {
    const sized = this.db
      .selectFrom(rows.as('page'))
      .selectAll()
      .select(sql<number>`sum(octet_length(data)) OVER (ORDER BY id) - octet_length(data)`.as('before'));
    return this.db
      .selectFrom(sized.as('sized'))
      .select(['id', 'run', 'type', 'time', 'sub_task', 'attempt', 'data', 'run_id', 'task'])
      .where('before', '<=', PAGE_SIZE)
      .orderBy('id');
  }
}
