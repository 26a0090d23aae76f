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

/** How many rows are read at a time: each may have 256 KiB, or more where it has one event. */
const ROWS = 8;
/** How much of the rows of several runs is read at a time, in bytes, and of the runs themselves kept; of one that has more, all of it. */
const MOST_BYTES = 4 * 2 ** 20;

type Row = Schema['commits'];

/** What the log has of a run. */
export interface RecordedRun {
  /** Its events, in their order. */
  readonly texts: string[];
  /** The `first` of each commit that has any of them. */
  readonly commits: number[];
}

/** Rows of the log, as far as they were read. */
export interface TailPage {
  readonly rows: readonly CommittedRow[];
  /** Where to go on. */
  readonly next: number;
}

/** Reads the rows of `commits`. */
export class CommitReader {
  constructor(private readonly db: Kysely<Schema>) {}

  /** What the log has of a run; undefined when there is none. */
  async run(id: string): Promise<RecordedRun | undefined> {
    const run: RecordedRun = { texts: [], commits: [] };
    for (const row of await this.rowsOf(id)) addTo(run, row.first, textsOfRun(row.events, id));
    return run.texts.length > 0 ? run : undefined;
  }

  /**
   * What the log has of several runs, by their ids: of as many of them as fit into memory together, those at the front, and one at least.
   * Those that there are none of have no texts.
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

  /** A page of the events of one run up to one of them, or of all runs. */
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

  /** Some of the rows behind an event, up to another one, and of their events those of some runs or of all. */
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

  /** The rows that may have events of a run, behind one. */
  private async rowsOf(id: string, after = 0): Promise<readonly Row[]> {
    const { rows } = await sql<Row>`
      SELECT row.* FROM (${rowsNear([id])}) AS found,
        LATERAL (SELECT first, last, events FROM commits WHERE first = found.first OFFSET 0) AS row
      WHERE row.last > ${after} AND strpos(row.events, ${memberOf(id)}) > 0
      ORDER BY row.first`.execute(this.db);
    return rows;
  }

  /** The rows that may have events of some runs, some at a time. */
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
 * The `first` of the rows that may have events of some runs. For finished runs `runs` says which; for others they are those that
 * follow the run's number, and `late_commits`.
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

/** What is on record of a run that there is something of. */
export function recordOf({ texts, commits }: RecordedRun): RunRecord {
  return runOf(parseEvents(texts), commits);
}

/** The `first` of the row that has an event, or of the one before. */
function rowWith(id: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`coalesce((SELECT max(first) FROM commits WHERE first <= ${id}), 0)`;
}

/** The id of the first event behind one; retention leaves holes. */
function firstBehind(after: number, row: Row | undefined): number {
  const ids = row ? textsOf(row.events).map((text) => soundHeadOf(text).id) : [];
  return ids.find((id) => id > after) ?? after + 1;
}

/** The events of a page as far as they belong to it: it ends with the one that makes it full. */
class Page {
  private readonly texts: string[] = [];
  private size = 0;
  private isFull = false;
  private readonly fits: (head: EventHead) => boolean;

  constructor(private readonly query: EventQuery) {
    this.fits = fitting(query);
  }

  /** Adds those events of a row that fit, up to one of them; whether nothing fits behind them. */
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

  /** @param last where the stretch ends that was looked through */
  read(last: number): EventPage {
    const { after } = this.query;
    const events = parseEvents(this.texts);
    return { events, next: this.isFull ? (events.at(-1)?.id ?? after) : Math.max(after, last) };
  }
}
