import { sql, type Kysely, type RawBuilder } from 'kysely';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { PAGE_SIZE, PAGE_STRETCH, type EventPage, type EventQuery } from '../../run/journal-pages.js';
import {
  fitting,
  headOf,
  memberOf,
  parseEvents,
  soundHeadOf,
  textsOf,
  textsOfRun,
  type EventHead,
} from '../event-text.js';
import { LATE_AFTER } from './postgres-commit-function.js';
import type { CommittedRow } from './group-outcome.js';
import type { Schema } from './postgres-schema.js';

/** How many rows are read at a time. A row may have 256 KiB, or more if it has one event only. */
const ROWS = 8;
/**
 * Memory bound for reading several runs, in bytes: for the rows of one read, and for the events of all runs. One larger run is read as a
 * whole.
 */
const MOST_BYTES = 4 * 2 ** 20;

type Row = Schema['commits'];

/** A run as the log has it. */
export interface RecordedRun {
  /** Its events in order, as JSON. */
  readonly texts: string[];
  /** The `first` of each commit that has events of the run. */
  readonly commits: number[];
}

/** A page of rows of the log. */
export interface TailPage {
  readonly rows: readonly CommittedRow[];
  /** The event after which the next page begins. */
  readonly next: number;
}

/** Reads the rows of `commits`. */
export class CommitReader {
  constructor(private readonly db: Kysely<Schema>) {}

  /** Reads a run from the log; undefined when the log has no events of it. */
  async run(id: string): Promise<RecordedRun | undefined> {
    const run: RecordedRun = { texts: [], commits: [] };
    for (const row of await this.rowsOf(id)) addTo(run, row.first, textsOfRun(row.events, id));
    return run.texts.length > 0 ? run : undefined;
  }

  /**
   * Reads several runs from the log, by id. Only as many runs as fit into memory are returned, from the front of `ids`, and at least one.
   * A run without events in the log is returned without texts.
   */
  async runs(ids: readonly string[]): Promise<ReadonlyMap<string, RecordedRun>> {
    const found = new Map<string, RecordedRun & { size: number }>();
    for (const id of ids) found.set(id, { texts: [], commits: [], size: 0 });
    let total = 0;
    for await (const { first, events } of this.rowsOfSeveral(ids)) {
      for (const text of textsOf(events)) {
        const run = found.get(headOf(text)?.runId ?? '');
        if (!run) continue;
        addTo(run, first, [text]);
        run.size += text.length;
        total += text.length;
      }
      for (let last = ids.length - 1; total > MOST_BYTES && last > 0; last -= 1) {
        const id = ids[last] ?? '';
        total -= found.get(id)?.size ?? 0;
        found.delete(id);
      }
    }
    return found;
  }

  /** A page of events, of one run or of all runs, up to the event `upTo`. */
  async events(query: EventQuery, upTo: number): Promise<EventPage> {
    const { after, runId } = query;
    const page = new Page(query);
    if (runId !== undefined) {
      for (const row of await this.rowsOf(runId, after)) if (page.isFullWith(row, upTo)) break;
      return page.read(upTo);
    }
    let last = upTo;
    for (let from = after; ;) {
      const rows = await this.rowsAfter(from, last);
      if (from === after) last = Math.min(upTo, firstBehind(after, rows[0]) + PAGE_STRETCH - 1);
      if (rows.some((row) => page.isFullWith(row, last)) || rows.length < ROWS) return page.read(last);
      from = rows.at(-1)?.last ?? last;
    }
  }

  /** Some of the rows after the event `after`, up to `upTo`, with only the events of the wanted runs. */
  async tail(after: number, upTo: number, runs: 'all' | readonly string[]): Promise<TailPage> {
    const wanted = runs === 'all' ? runs : new Set(runs);
    const isWanted = ({ id, runId }: EventHead): boolean =>
      id > after && id <= upTo && (wanted === 'all' || wanted.has(runId));
    const read = await this.rowsAfter(after, upTo);
    const rows = read.map(({ first, events }) => ({
      first,
      events: parseEvents(textsOf(events).filter((text) => isWanted(soundHeadOf(text)))),
    }));
    const next = read.length < ROWS ? upTo : Math.min(upTo, read.at(-1)?.last ?? upTo);
    return { rows, next };
  }

  private async rowsAfter(after: number, upTo: number): Promise<readonly Row[]> {
    const { rows } = await sql<Row>`
      SELECT first, last, events FROM commits
      WHERE first >= ${rowWith(sql`${after + 1}`)} AND last > ${after} AND first <= ${upTo}
      ORDER BY first LIMIT ${ROWS}`.execute(this.db);
    return rows;
  }

  /** The rows that may have events of a run, after the event `after`. */
  private async rowsOf(id: string, after = 0): Promise<readonly Row[]> {
    const { rows } = await sql<Row>`
      SELECT row.* FROM (${rowsNear([id])}) AS found,
        LATERAL (SELECT first, last, events FROM commits WHERE first = found.first OFFSET 0) AS row
      WHERE row.last > ${after} AND strpos(row.events, ${memberOf(id)}) > 0
      ORDER BY row.first`.execute(this.db);
    return rows;
  }

  /** The rows that may have events of some runs. Reads some of them at a time. */
  private async *rowsOfSeveral(ids: readonly string[]): AsyncIterable<Row> {
    if (ids.length === 0) return;
    const { rows: found } = await sql<{ first: number; size: number }>`
      SELECT found.first, row.size FROM (${rowsNear(ids)}) AS found,
        LATERAL (SELECT octet_length(events) AS size FROM commits WHERE first = found.first OFFSET 0) AS row
      ORDER BY found.first`.execute(this.db);
    let size = 0;
    let some: number[] = [];
    for (const [index, row] of found.entries()) {
      some.push(row.first);
      size += row.size;
      if (index < found.length - 1 && size + (found[index + 1]?.size ?? 0) <= MOST_BYTES) continue;
      const { rows } = await sql<Row>`
        SELECT first, last, events FROM commits WHERE first = ANY (${some}::bigint[]) ORDER BY first`.execute(
        this.db,
      );
      yield* rows;
      some = [];
      size = 0;
    }
  }
}

/**
 * The `first` of the rows that may have events of some runs. For finished runs, `runs` lists the rows. For open runs, they are the rows
 * soon after the run's number, and those in `late_commits`.
 */
function rowsNear(ids: readonly string[]): RawBuilder<unknown> {
  return sql`
    SELECT unnest(commits) AS first FROM runs WHERE id = ANY (${[...ids]})
    UNION
    SELECT late_commits.first FROM open_runs JOIN late_commits ON late_commits.run = open_runs.number
      WHERE id = ANY (${[...ids]})
    UNION
    SELECT near.first FROM open_runs, LATERAL (
      SELECT first FROM commits
      WHERE first >= ${rowWith(sql`number`)} AND first <= number + ${LATE_AFTER}) AS near
      WHERE id = ANY (${[...ids]})`;
}

/** Adds events of a row to a run. */
function addTo({ texts, commits }: RecordedRun, first: number, added: readonly string[]): void {
  if (added.length === 0) return;
  texts.push(...added);
  if (commits.at(-1) !== first) commits.push(first);
}

/** The record of a run, made from its events. */
export function recordOf({ texts, commits }: RecordedRun): RunRecord {
  return runOf(parseEvents(texts), commits);
}

/** The `first` of the row that has an event, or of the last row before it. */
function rowWith(id: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce((SELECT max(first) FROM commits WHERE first <= ${id}), 0)`;
}

/** The id of the first event after `after`. The ids have gaps where retention deleted events. */
function firstBehind(after: number, row: Row | undefined): number {
  const ids = row ? textsOf(row.events).map((text) => soundHeadOf(text).id) : [];
  return ids.find((id) => id > after) ?? after + 1;
}

/** The events of a page. The page ends with the event that fills it. */
class Page {
  private readonly texts: string[] = [];
  private size = 0;
  private isFull = false;
  private readonly fits: (head: EventHead) => boolean;

  constructor(private readonly query: EventQuery) {
    this.fits = fitting(query);
  }

  /** Adds the matching events of a row, up to the event `upTo`. @returns whether the page is full */
  isFullWith({ events }: Row, upTo: number): boolean {
    const { limit } = this.query;
    for (const text of textsOf(events)) {
      const head = soundHeadOf(text);
      if (head.id > upTo || !this.fits(head)) continue;
      this.texts.push(text);
      this.size += text.length;
      this.isFull = this.texts.length === limit || this.size > PAGE_SIZE;
      if (this.isFull) return true;
    }
    return false;
  }

  /** @param last the last id that was looked at */
  read(last: number): EventPage {
    const { after } = this.query;
    const events = parseEvents(this.texts);
    return { events, next: this.isFull ? (events.at(-1)?.id ?? after) : Math.max(after, last) };
  }
}
