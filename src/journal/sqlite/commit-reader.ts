import { PAGE_SIZE, PAGE_STRETCH, type EventQuery } from '../../run/journal.js';
import { headOf, textsOf, textsOfRun } from '../event-text.js';
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

/** Where open runs have events: for each run in each commit its id, the first event of the commit, and how much text it has there. */
export interface OpenCommits {
  readonly found: (string | number)[];
  /** The event behind which to go on. */
  readonly next: number;
}

interface CommitRow {
  readonly first: number;
  readonly last: number;
  readonly events: string;
}

/** Those from the one on that has an event, or would have it: retention leaves holes. */
const ROWS_FROM = `
  FROM commits WHERE first >= coalesce((SELECT max(first) FROM commits WHERE first <= ?), 0)`;
const ALL_FROM = `SELECT first, last, events ${ROWS_FROM} ORDER BY first`;
/** SQLite finds the id of a run faster in a text than the text is handed over. */
const ALL_WITH = `SELECT first, last, events ${ROWS_FROM} AND instr(events, ?) > 0 ORDER BY first`;
const OF_FINISHED = `
  SELECT first, last, events
  FROM runs CROSS JOIN json_each(runs.commits) AS part CROSS JOIN commits ON commits.first = part.value
  WHERE runs.id = ? AND commits.last > ?`;
const OF_COMMITS = `
  SELECT first, last, events
  FROM json_each(?) AS part CROSS JOIN commits ON commits.first = part.value WHERE commits.last > ?`;

/** Reads events from the rows of the commits. */
export class CommitReader {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** The last event that is committed; 0 when there is none. */
  get lastId(): number {
    const newest = 'SELECT last FROM commits ORDER BY first DESC LIMIT 1';
    return this.#statements.all<{ last: number }>(newest)[0]?.last ?? 0;
  }

  /** All events of a run; undefined when there is no such run. @param commits that have them, where they are known */
  run(id: string, commits?: readonly number[]): RunTexts | undefined {
    return this.#statements.snapshot(() => {
      const found: RunTexts = { texts: [], commits: [] };
      const rows = commits ? this.#rowsOfCommits(commits, 0) : this.#rowsOf(id);
      for (const { first, events } of rows) {
        const texts = textsOfRun(events, id);
        if (texts.length === 0) continue;
        found.texts.push(...texts);
        found.commits.push(first);
      }
      return found.texts.length > 0 ? found : undefined;
    });
  }

  /** A page of events up to one of them; undefined for a run that there is none of. */
  page(query: EventQuery, upTo: number): TextPage | undefined {
    return this.#statements.snapshot(() => {
      const { runId, after, commits } = query;
      if (runId === undefined) return pageOf(this.#rowsFrom(after + 1), textsOf, query, upTo);
      const textsIn = (row: string) => textsOfRun(row, runId);
      if (commits) return pageOf(this.#rowsOfCommits(commits, after), textsIn, query, upTo);
      const number = this.#openNumber(runId);
      if (number !== undefined) {
        const start = Math.max(number, after + 1);
        return pageOf(this.#rowsWith(runId, start), textsIn, query, Math.min(upTo, start + OPEN_STRETCH));
      }
      const page = pageOf(this.#rowsOfFinished(runId, after), textsIn, query, upTo);
      return page.texts.length > 0 || this.#isFinished(runId) ? page : undefined;
    });
  }

  /** The ids of the open runs, the oldest first. */
  openRuns(): string[] {
    return this.#openUpTo(Number.MAX_SAFE_INTEGER);
  }

  /** Which of the open runs have events in the next commits behind an event. */
  commitsOfOpen(after: number, upTo: number): OpenCommits {
    return this.#statements.snapshot(() => {
      const [oldest] = this.#statements.all<{ number: number | null }>(
        'SELECT min(number) AS number FROM open_runs',
      );
      const start = Math.max(after + 1, oldest?.number ?? upTo + 1);
      const end = Math.min(upTo, start + OPEN_STRETCH);
      const open = new Set(this.#openUpTo(end));
      const found: (string | number)[] = [];
      for (const { first, events } of this.#rowsFrom(start)) {
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

  /** The events of each of some runs, from commits that have them. */
  eventsOfRuns(ids: readonly string[], commits: readonly number[]): string[][] {
    const textsOfRuns = new Map(ids.map((id) => [id, [] as string[]]));
    for (const { events } of this.#rowsOfCommits(commits, 0))
      for (const text of textsOf(events)) textsOfRuns.get(headOf(text)?.runId ?? '')?.push(text);
    return [...textsOfRuns.values()];
  }

  #rowsFrom(id: number): Iterable<CommitRow> {
    return this.#statements.each<CommitRow>(ALL_FROM, id);
  }

  #rowsWith(runId: string, from: number): Iterable<CommitRow> {
    return this.#statements.each<CommitRow>(ALL_WITH, from, runId);
  }

  #rowsOf(runId: string): Iterable<CommitRow> {
    const number = this.#openNumber(runId);
    return number === undefined ? this.#rowsOfFinished(runId, 0) : this.#rowsWith(runId, number);
  }

  #rowsOfFinished(runId: string, after: number): Iterable<CommitRow> {
    return this.#statements.each<CommitRow>(OF_FINISHED, runId, after);
  }

  #rowsOfCommits(commits: readonly number[], after: number): Iterable<CommitRow> {
    return this.#statements.each<CommitRow>(OF_COMMITS, JSON.stringify(commits), after);
  }

  #isFinished(id: string): boolean {
    return this.#statements.all('SELECT 1 FROM runs WHERE id = ?', id).length > 0;
  }

  /** Without an index: few runs are open, and each would pay for it. */
  #openNumber(id: string): number | undefined {
    const open = 'SELECT number FROM open_runs WHERE id = ?';
    return this.#statements.all<{ number: number }>(open, id)[0]?.number;
  }

  #openUpTo(number: number): string[] {
    const open = 'SELECT id FROM open_runs WHERE number <= ? ORDER BY number';
    return this.#statements.all<{ id: string }>(open, number).map(({ id }) => id);
  }
}

/** Of all runs it looks through a bounded stretch of ids; of one, through all that the rows have. */
function pageOf(
  rows: Iterable<CommitRow>,
  textsIn: (row: string) => string[],
  { after, limit, runId, task, client, types }: EventQuery,
  upTo: number,
): TextPage {
  const wanted = types && new Set<string>(types);
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
      if ((task !== undefined && head.task !== task) || wanted?.has(head.type) === false) continue;
      if (client !== undefined && head.client !== client) continue;
      texts.push(text);
      size += text.length;
      if (texts.length === limit || size > PAGE_SIZE) return { texts, next: head.id };
    }
  }
  return { texts, next: Math.max(after, end ?? upTo) };
}
