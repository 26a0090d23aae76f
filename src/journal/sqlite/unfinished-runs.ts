import { setTimeout as delay } from 'node:timers/promises';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { loggerOf } from '../../core/logger-of.js';
import { parseEvents } from '../event-text.js';
import type { SqliteThread } from './sqlite-thread.js';

/** Pause between a failed read and the next try, in milliseconds. */
const RETRY_MS = 250;
/** How many runs are read at a time, and how much text they may have, in characters. A single larger run is read as a whole. */
const PAGE_RUNS = 100;
const PAGE_SIZE = 4 * 2 ** 20;

/** Reads from the log, with the errors of the journal. */
type Read = <T>(what: (reader: SqliteThread) => Promise<T>) => Promise<T>;

/** An unfinished run: the commits that have its events, and the total size of those events, in characters. */
interface LeftRun {
  readonly id: string;
  readonly commits: number[];
  size: number;
}

/** The runs that an earlier process has left unfinished. */
export class UnfinishedRuns {
  private readonly logger = loggerOf('journal');

  /**
   * @param openedAt the state of the database when it was opened
   * @param beforeResuming called with the runs of each page before they are resumed
   * @param closing aborted when nothing is to be tried again
   * @param isHopeless whether further tries are useless
   */
  constructor(
    private readonly read: Read,
    private readonly openedAt: { readonly lastId: number; readonly openRuns: readonly string[] },
    private readonly beforeResuming: (ids: readonly string[]) => Promise<void>,
    private readonly closing: AbortSignal,
    private readonly isHopeless: () => boolean,
  ) {}

  /** All unfinished runs, the oldest first. The next page is read when all runs of the page before are resumed. */
  async *all(): AsyncIterable<Readonly<RunRecord>> {
    for (const page of pagesOf(await this.runs())) {
      const commits = [...new Set(page.flatMap((run) => run.commits))].sort((a, b) => a - b);
      const ids = page.map(({ id }) => id);
      const textsOfRuns = await this.readUntilOver((reader) => reader.call('eventsOfRuns', ids, commits));
      if (!textsOfRuns) return;
      await this.beforeResuming(ids);
      for (const [index, { id, commits: firsts }] of page.entries()) {
        const run = this.legible(id, textsOfRuns.splice(index, 1, [])[0] ?? [], firsts);
        if (run) yield run;
      }
    }
  }

  /** The oldest run first. */
  private async runs(): Promise<LeftRun[]> {
    const { lastId, openRuns } = this.openedAt;
    const runs = new Map(openRuns.map((id): [string, LeftRun] => [id, { id, commits: [], size: 0 }]));
    for (let after = 0; openRuns.length > 0 && after < lastId;) {
      const from = after;
      const found = await this.readUntilOver((reader) => reader.call('commitsOfOpen', from, lastId));
      if (!found) return [];
      after = found.next;
      for (let at = 0; at < found.found.length; at += 3) {
        const [id, first, size] = found.found.slice(at, at + 3) as [string, number, number];
        const run = runs.get(id);
        if (!run) continue;
        run.commits.push(first);
        run.size += size;
      }
    }
    return [...runs.values()];
  }

  /** Reads until a try succeeds; undefined once nothing is to be tried again. */
  private async readUntilOver<T>(what: (reader: SqliteThread) => Promise<T>): Promise<T | undefined> {
    while (!this.closing.aborted && !this.isHopeless()) {
      try {
        return await this.read(what);
      } catch {
        if (!this.isHopeless())
          await delay(RETRY_MS, undefined, { signal: this.closing }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** A damaged run doesn't keep the other runs from being resumed. */
  private legible(
    runId: string,
    texts: readonly string[],
    commits: readonly number[],
  ): RunRecord | undefined {
    try {
      return runOf(parseEvents(texts), commits);
    } catch (error) {
      this.logger.error({ msg: `Can’t be read, and so not gone on with: ${textOf(error)}`, runId });
      return undefined;
    }
  }
}

function* pagesOf(runs: readonly LeftRun[]): Iterable<LeftRun[]> {
  let page: LeftRun[] = [];
  let size = 0;
  for (const run of runs) {
    if (page.length === PAGE_RUNS || (page.length > 0 && size + run.size > PAGE_SIZE)) {
      yield page;
      page = [];
      size = 0;
    }
    page.push(run);
    size += run.size;
  }
  if (page.length > 0) yield page;
}
