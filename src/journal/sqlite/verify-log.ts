import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { RunEvent } from '../../core/events.js';
import { soundHeadOf, textsOf } from '../event-text.js';
import { follows, isSound, ROW, type CommitRow } from './commit-row.js';
import { DELIVERY_COLUMNS } from './delivery-rows.js';
import { missingEnd } from './log-end.js';
import { growingChecksum } from './row-checksum.js';
import { END, END_LEAST, START, START_LEAST } from './run-columns.js';
import { APPLICATION_ID } from './sqlite-schema.js';
import { StoreError } from './store-error.js';
import { unreadPart } from './unread-part.js';
import { WEBHOOK_CURSOR, WEBHOOK_START } from './webhook-rows.js';

/** How many of SQLite's own complaints are shown. */
const MAX_COMPLAINTS = 20;

/** Tables with a checksum over some columns. `least` is how many columns the table had at first: see `growingChecksum`. */
const CHECKED: readonly (readonly [table: string, columns: string, checksum: string, least?: number])[] = [
  ['idempotency_keys', 'client, key, fingerprint, run, created_at', 'checksum'],
  ['statistics', 'task, start, data', 'checksum'],
  ['counted_events', 'only, up_to, read_from', 'checksum'],
  ['open_runs', START, 'checksum - set_aside', START_LEAST],
  ['runs', START, 'checksum', START_LEAST],
  ['runs', END, 'end_checksum', END_LEAST],
  ['run_labels', 'label, labelled_at, run', 'checksum'],
  ['webhooks', WEBHOOK_START, 'checksum'],
  ['webhooks', WEBHOOK_CURSOR, 'cursor_checksum'],
  ['webhook_deliveries', DELIVERY_COLUMNS, 'checksum - is_first'],
];

const RUN = `
  SELECT 1 FROM runs
  WHERE number = ? AND id = ? AND status = ? AND finished_at = ? AND commits = coalesce(?, commits)`;

/** The result of checking a whole log. */
export interface LogReport {
  readonly events: number;
  /** The last event; 0 when there is none. */
  readonly lastId: number;
  /** What is wrong, one line each; empty when everything is as it was written. */
  readonly flaws: readonly string[];
  /** Whether the disk can’t read it. Then nobody knows whether it is damaged. */
  readonly isUnread?: true;
}

/** Reads and checks all of a database, as it is at one moment. The service may go on writing to it. */
export function verifyLog(path: string): LogReport {
  const flaws: string[] = [];
  attempt(flaws, () => {
    const missing = missingEnd(path);
    if (missing !== undefined) flaws.push(`events up to ${missing} had been told, and are missing`);
  });
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { application_id: owner } = database.prepare('PRAGMA application_id').get() ?? {};
    if (owner !== APPLICATION_ID)
      throw new StoreError('is not one of this service’s, or its beginning is damaged');
    database.exec('BEGIN');
    attempt(flaws, () => {
      const complaints = database.prepare(`PRAGMA integrity_check(${MAX_COMPLAINTS})`).all();
      flaws.push(...complaints.map((row) => String(row.integrity_check)).filter((text) => text !== 'ok'));
    });
    const log = new LogCheck(database, flaws);
    attempt(flaws, () => {
      log.readAll();
    });
    const { events, lastId } = log;
    // SQLite also calls a page damaged when the disk can’t read it.
    const unread = flaws.length > 0 ? unreadPart(path) : undefined;
    return unread === undefined
      ? { events, lastId, flaws }
      : { events, lastId, flaws: [unread], isUnread: true };
  } finally {
    database.close();
  }
}

/** An error is one flaw, and doesn't stop the other checks. */
function attempt(flaws: string[], work: () => void): void {
  try {
    work();
  } catch (error) {
    flaws.push((error as Error).message);
  }
}

/** Checks rows of the log by their checksums and their chain, and rows of runs by the log. */
class LogCheck {
  events = 0;
  lastId = 0;
  /** The runs that are open at this place of the log. `commits` is undefined where earlier commits are not known. */
  private readonly open = new Map<string, { readonly number: number; readonly commits?: number[] }>();
  private finished = 0;

  constructor(
    private readonly database: DatabaseSync,
    private readonly flaws: string[],
  ) {}

  readAll(): void {
    let before: CommitRow | undefined;
    for (const row of this.database.prepare(`SELECT ${ROW} FROM commits ORDER BY first`).iterate()) {
      const commit = row as unknown as CommitRow;
      const isNext = before ? follows(commit, before) : commit.first === 1;
      if (!isNext) this.flaws.push(`events before event ${commit.first} are missing`);
      if (isSound(commit)) this.readEvents(commit);
      else this.flaws.push(`events ${commit.first} to ${commit.last} are not what was written`);
      before = commit;
      this.lastId = commit.last;
    }
    if (this.flaws.length === 0) this.compareRuns();
    this.compareChecksums();
  }

  private compareChecksums(): void {
    for (const [table, columns, sum, least] of CHECKED) {
      const rows = this.database.prepare(`SELECT ${columns}, ${sum} FROM ${table}`);
      rows.setReturnArrays(true);
      for (const row of rows.iterate() as Iterable<unknown> as Iterable<SQLInputValue[]>) {
        const checksum = row.pop();
        if (checksum !== null && checksum !== growingChecksum(row, least ?? row.length))
          this.flaws.push(`a row of ${table} is not what was written`);
      }
    }
  }

  private readEvents({ first, events }: CommitRow): void {
    for (const text of textsOf(events)) {
      this.events += 1;
      const { id, type, runId } = soundHeadOf(text);
      if (type === 'run.started') this.open.set(runId, { number: id, commits: [] });
      else if (type === 'run.reopened') this.open.set(runId, { number: this.numberOf(runId) });
      const run = this.open.get(runId);
      if (run?.commits && run.commits.at(-1) !== first) run.commits.push(first);
      if (type === 'run.finished') this.finish(JSON.parse(text) as RunEvent<'run.finished'>);
    }
  }

  private finish({ runId, time, data }: RunEvent<'run.finished'>): void {
    const { number = 0, commits } = this.open.get(runId) ?? {};
    this.open.delete(runId);
    const list = commits ? JSON.stringify(commits) : null;
    const found = this.database.prepare(RUN).get(number, runId, data.status, Date.parse(time), list);
    // The row of a reopened run has its last end.
    if (found) this.finished += 1;
  }

  private numberOf(runId: string): number {
    const sql = 'SELECT number FROM runs WHERE id = ? UNION ALL SELECT number FROM open_runs WHERE id = ?';
    return Number(this.database.prepare(sql).get(runId, runId)?.number ?? 0);
  }

  private compareRuns(): void {
    const rows = this.database.prepare('SELECT number, id FROM open_runs').all();
    const same =
      rows.length === this.open.size &&
      rows.every(({ number, id }) => this.open.get(id as string)?.number === number);
    if (!same) this.flaws.push('the rows of open runs are not those of the log');
    const { count } = this.database.prepare('SELECT count(*) AS count FROM runs').get() as { count: number };
    if (count !== this.finished) this.flaws.push('the rows of finished runs are not those of the log');
  }
}
