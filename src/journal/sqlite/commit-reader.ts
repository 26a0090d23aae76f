import type { RunEvent } from '../../core/events.js';
import { PAGE_SIZE, PAGE_STRETCH, type EventQuery } from '../../run/journal-pages.js';
import { fitting, headOf, textsOf, textsOfRun } from '../event-text.js';
import { chained, damage, ROW, sound, type CommitRow } from './commit-row.js';
import { finishedRun } from './run-rows.js';
import type { Statements } from './statements.js';

/** How many ids are looked through at a time for events of open runs. */
const OPEN_STRETCH = 50_000;

/** The events of a run as texts, and the commits that they are in. */
export interface RunTexts {
  readonly texts: string[];
  readonly commits: number[];
}

/** A page of events as texts, and the `after` of the next. */
export interface TextPage {
  readonly texts: string[];
  readonly next: number;
}

/**
 * The commits of open runs. `found` has three values for each run in each commit: the run's id, the first event of the commit, and the
 * size of the run's text in it.
 */
export interface OpenCommits {
  readonly found: (string | number)[];
  /** The event after which the next search begins. */
  readonly next: number;
}

/** A commit that a run's row lists. The values are null where that commit is missing. */
type CommitOfRun = CommitRow | { readonly first: null };

const LAST = `SELECT ${ROW} FROM commits ORDER BY first DESC LIMIT 1`;
/** The commits from the one on that has an event. */
const ALL_FROM = `
  SELECT ${ROW} FROM commits
  WHERE first >= coalesce((SELECT max(first) FROM commits WHERE first <= ?), 0) ORDER BY first`;
const OF_FINISHED = `
  SELECT ${ROW}
  FROM runs CROSS JOIN json_each(runs.commits) AS part LEFT JOIN commits ON commits.first = part.value
  WHERE runs.id = ? AND coalesce(commits.last > ?, true)`;
const OF_COMMITS = `
  SELECT ${ROW}
  FROM json_each(?) AS part LEFT JOIN commits ON commits.first = part.value
  WHERE coalesce(commits.last > ?, true)`;

/** Reads events from the rows of the commits. */
export class CommitReader {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The last commit. */
  get last(): CommitRow | undefined {
    const [row] = this.#statements.all<CommitRow>(LAST);
    return row && sound(row);
  }

  /**
   * All events of a run up to the event `upTo`; undefined when there is no such run.
   *
   * @param commits the commits with events of the run, if known
   */
  run(id: string, upTo: number, commits?: readonly number[]): RunTexts | undefined {
    return this.#statements.snapshot(() => {
      const found: RunTexts = { texts: [], commits: [] };
      const rows = commits ? this.#rowsOfCommits(committed(commits, upTo), 0) : this.#rowsOf(id, upTo);
      for (const { first, events } of rows) {
        const texts = textsOfRun(events, id);
        if (texts.length === 0) continue;
        found.texts.push(...texts);
        found.commits.push(first);
      }
      if (!commits) this.#compare(id, found.texts);
      return found.texts.length > 0 ? found : undefined;
    });
  }

  /** A page of events up to the event `upTo`; undefined when the query is for a run that doesn't exist. */
  page(query: EventQuery, upTo: number): TextPage | undefined {
    return this.#statements.snapshot(() => {
      const { runId, after, commits } = query;
      if (runId === undefined) return pageOf(this.#rowsFrom(after + 1, upTo), textsOf, query, upTo);
      const textsIn = (row: string) => textsOfRun(row, runId);
      if (commits) return pageOf(this.#rowsOfCommits(committed(commits, upTo), after), textsIn, query, upTo);
      const number = this.#openNumber(runId);
      if (number !== undefined) {
        const start = Math.max(number, after + 1);
        const end = Math.min(upTo, start + OPEN_STRETCH);
        return pageOf(this.#rowsFrom(start, end), textsIn, query, end);
      }
      if (!finishedRun(this.#statements, runId)) return undefined;
      return pageOf(this.#rowsOfFinished(runId, after), textsIn, query, upTo);
    });
  }

  /** The ids of the open runs, the oldest first. */
  openRuns(): string[] {
    return this.#openUpTo(Number.MAX_SAFE_INTEGER);
  }

  /** Finds events of open runs in the next commits after an event. */
  commitsOfOpen(after: number, upTo: number): OpenCommits {
    return this.#statements.snapshot(() => {
      const [oldest] = this.#statements.all<{ number: number | null }>(
        'SELECT min(number) AS number FROM open_runs',
      );
      const start = Math.max(after + 1, oldest?.number ?? upTo + 1);
      const end = Math.min(upTo, start + OPEN_STRETCH);
      const open = new Set(this.#openUpTo(end));
      const found: (string | number)[] = [];
      for (const { first, events } of this.#rowsFrom(start, end)) {
        if (first > end) break;
        const sizes = new Map<string, number>();
        for (const text of textsOf(events)) {
          const id = headOf(text)?.runId ?? '';
          if (open.has(id)) sizes.set(id, (sizes.get(id) ?? 0) + text.length);
        }
        for (const [id, size] of sizes) found.push(id, first, size);
      }
      return { found, next: Math.max(start - 1, end) };
    });
  }

  /** The events of each run, in the order of `ids`, from the commits that have them. */
  eventsOfRuns(ids: readonly string[], commits: readonly number[]): string[][] {
    const textsOfRuns = new Map(ids.map((id) => [id, [] as string[]]));
    for (const { events } of this.#rowsOfCommits(commits, 0))
      for (const text of textsOf(events)) textsOfRuns.get(headOf(text)?.runId ?? '')?.push(text);
    return [...textsOfRuns.values()];
  }

  #rowsFrom(id: number, upTo: number): Iterable<CommitRow> {
    return chained(this.#statements.each<CommitRow>(ALL_FROM, id), id, upTo);
  }

  #rowsOf(runId: string, upTo: number): Iterable<CommitRow> {
    const number = this.#openNumber(runId);
    return number === undefined ? this.#rowsOfFinished(runId, 0) : this.#rowsFrom(number, upTo);
  }

  #rowsOfFinished(runId: string, after: number): Iterable<CommitRow> {
    return present(this.#statements.each<CommitOfRun>(OF_FINISHED, runId, after));
  }

  #rowsOfCommits(commits: readonly number[], after: number): Iterable<CommitRow> {
    return present(this.#statements.each<CommitOfRun>(OF_COMMITS, JSON.stringify(commits), after));
  }

  /** @throws {StoreError} `damaged` where the row of a finished run contradicts the run's events */
  #compare(id: string, texts: readonly string[]): void {
    const row = finishedRun(this.#statements, id);
    if (!row) return;
    const end = texts.findLast((text) => headOf(text)?.type === 'run.finished');
    const { data, time } = (end === undefined ? {} : JSON.parse(end)) as Partial<RunEvent<'run.finished'>>;
    const same =
      headOf(texts[0] ?? '')?.id === row.number &&
      data?.status === row.status &&
      Date.parse(time ?? '') === row.finished_at;
    if (!same) throw damage(`the row of the run ${id} is not what its events say`);
  }

  /** There is no index for this: few runs are open, and each would have to maintain it. */
  #openNumber(id: string): number | undefined {
    const open = 'SELECT number FROM open_runs WHERE id = ?';
    return this.#statements.all<{ number: number }>(open, id)[0]?.number;
  }

  #openUpTo(number: number): string[] {
    const open = 'SELECT id FROM open_runs WHERE number <= ? ORDER BY number';
    return this.#statements.all<{ id: string }>(open, number).map(({ id }) => id);
  }
}

/** The commits that a reader may see: a live run knows of a commit before it is published. */
function committed(commits: readonly number[], upTo: number): number[] {
  return commits.filter((first) => first <= upTo);
}

function* present(rows: Iterable<CommitOfRun>): Iterable<CommitRow> {
  for (const row of rows) {
    if (row.first === null) throw damage('events of a run are missing');
    yield sound(row);
  }
}

/** A page of events from rows. For all runs it looks at a bounded stretch of ids; for one run, at all given rows. */
function pageOf(
  rows: Iterable<CommitRow>,
  textsIn: (row: string) => string[],
  query: EventQuery,
  upTo: number,
): TextPage {
  const { after, limit, runId } = query;
  const fits = fitting(query);
  const texts: string[] = [];
  let size = 0;
  let end: number | undefined;
  for (const row of rows) {
    if (row.first > (end ?? upTo)) break;
    for (const text of textsIn(row.events)) {
      const head = headOf(text);
      if (!head || head.id <= after) continue;
      end ??= runId === undefined ? Math.min(upTo, head.id + PAGE_STRETCH - 1) : upTo;
      if (head.id > end) break;
      if (!fits(head)) continue;
      texts.push(text);
      size += text.length;
      if (texts.length === limit || size > PAGE_SIZE) return { texts, next: head.id };
    }
  }
  return { texts, next: Math.max(after, end ?? upTo) };
}
