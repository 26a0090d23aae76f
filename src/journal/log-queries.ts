import type { Kysely } from 'kysely';
import { PAGE_SIZE, PAGE_STRETCH, type EventQuery, type SavedStatistics } from '../run/journal.js';
import type { LogSchema } from './log-schema.js';

/** An event as it is stored, with what of its run an event says. */
export type EventRow = LogSchema['events'] & { readonly run_id: string; readonly task: string };

/** What is asked of a log in the same words, whatever its database. */
export class LogQueries {
  readonly #db: Kysely<LogSchema>;

  constructor(db: Kysely<LogSchema>) {
    this.#db = db;
  }

  /** The events of runs, each with what of its run an event says. */
  eventsOfRuns() {
    return this.#db
      .selectFrom('events')
      .innerJoin('runs', 'runs.number', 'events.run')
      .selectAll('events')
      .select(['runs.id as run_id', 'runs.task']);
  }

  numberOf(runId: string) {
    return this.#db.selectFrom('runs').select('number').where('id', '=', runId);
  }

  /**
   * A page of events up to one of them, and where the stretch ends that it looks through. The joins are `CROSS` ones, which
   * SQLite leaves in their order: else it might begin with all runs of a task.
   */
  async page({ after, limit, runId, task, types }: EventQuery, upTo: number) {
    let query = this.#db
      .selectFrom('events')
      .crossJoin('runs')
      .whereRef('runs.number', '=', 'events.run')
      .selectAll('events')
      .select(['runs.id as run_id', 'runs.task'])
      .where('events.id', '>', after)
      .orderBy('events.id')
      .limit(limit);
    let last = upTo;
    if (runId === undefined) last = Math.min(upTo, (await this.#firstAfter(after)) + PAGE_STRETCH - 1);
    else query = query.where('events.run', '=', this.numberOf(runId));
    if (types) query = query.where('events.type', 'in', types);
    if (task !== undefined) query = query.where('runs.task', '=', task);
    return { query: query.where('events.id', '<=', last), last };
  }

  async hasRun(runId: string): Promise<boolean> {
    return (await this.numberOf(runId).executeTakeFirst()) !== undefined;
  }

  async savedStatistics(): Promise<SavedStatistics | undefined> {
    const counted = await this.#db
      .selectFrom('counted_events')
      .select(['up_to as upTo', 'read_from as readFrom'])
      .executeTakeFirst();
    return counted && { ...counted, slices: await this.#db.selectFrom('statistics').selectAll().execute() };
  }

  /** The id of the first event behind one; retention leaves holes. */
  async #firstAfter(id: number): Promise<number> {
    const next = this.#db.selectFrom('events').select('id').where('id', '>', id).orderBy('id').limit(1);
    return (await next.executeTakeFirst())?.id ?? id + 1;
  }
}

/** The rows of a page as far as they belong to it: it ends with the one that makes it full. */
export async function fillPage(
  rows: AsyncIterable<EventRow> | Iterable<EventRow>,
  limit: number,
): Promise<{ rows: EventRow[]; full: boolean }> {
  const page: EventRow[] = [];
  let size = 0;
  for await (const row of rows) {
    page.push(row);
    size += row.data.length;
    if (page.length === limit || size > PAGE_SIZE) return { rows: page, full: true };
  }
  return { rows: page, full: false };
}
