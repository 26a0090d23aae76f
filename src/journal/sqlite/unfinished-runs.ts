import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { runOf, type RunRecord } from '../../core/run-record.js';
import { textOf } from '../../core/thrown.js';
import { parseEvents } from '../event-text.js';
import type { SqliteThread } from './sqlite-thread.js';

/** Between a read that fails and its next try, in milliseconds. */
const RETRY_MS = 250;
/** How many runs are read at a time. */
const PAGE_RUNS = 100;

/** Reads from the log, and fails as the journal does. */
type Read = <T>(what: (reader: SqliteThread) => Promise<T>) => Promise<T>;

/** The runs that an earlier process has left unfinished. */
export class UnfinishedRuns {
  private readonly logger = new Logger('Journal');

  /**
   * @param openedAt what the database had when it was opened
   * @param closing aborted when nothing is to be tried again
   */
  constructor(
    private readonly read: Read,
    private readonly openedAt: { readonly lastId: number; readonly openRuns: readonly string[] },
    private readonly closing: AbortSignal,
  ) {}

  /** Each of them, the oldest first. */
  async *all(): AsyncIterable<Readonly<RunRecord>> {
    const commitsOf = await this.commitsOfEach();
    const runs = [...commitsOf];
    for (let at = 0; at < runs.length; at += PAGE_RUNS) {
      const page = runs.slice(at, at + PAGE_RUNS);
      const commits = [...new Set(page.flatMap(([, firsts]) => firsts))].sort((a, b) => a - b);
      const ids = page.map(([id]) => id);
      const textsOfRuns = await this.readUntilClosed((reader) => reader.call('eventsOfRuns', ids, commits));
      if (!textsOfRuns) return;
      for (const [index, [id, firsts]] of page.entries()) {
        const run = this.legible(id, textsOfRuns[index] ?? [], firsts);
        if (run) yield run;
      }
    }
  }

  /** The commits of each, the oldest run first. */
  private async commitsOfEach(): Promise<Map<string, number[]>> {
    const { lastId, openRuns } = this.openedAt;
    const commitsOf = new Map(openRuns.map((id) => [id, [] as number[]]));
    for (let after = 0; openRuns.length > 0 && after < lastId;) {
      const from = after;
      const found = await this.readUntilClosed((reader) => reader.call('commitsOfOpen', from, lastId));
      if (!found) break;
      after = found.next;
      for (let at = 0; at < found.pairs.length; at += 2)
        commitsOf.get(found.pairs[at] as string)?.push(found.pairs[at + 1] as number);
    }
    return commitsOf;
  }

  /** What a read brings, which is tried until it succeeds; undefined once the journal is closed. */
  private async readUntilClosed<T>(what: (reader: SqliteThread) => Promise<T>): Promise<T | undefined> {
    let said: string | undefined;
    while (!this.isClosed()) {
      try {
        return await this.read(what);
      } catch (error) {
        if (said !== textOf(error)) this.logger.error((said = textOf(error)));
        await delay(RETRY_MS, undefined, { signal: this.closing }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** One run that is damaged keeps no other from being gone on with. */
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

  private isClosed(): boolean {
    return this.closing.aborted;
  }
}
