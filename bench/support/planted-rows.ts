import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { v7 as uuidv7 } from 'uuid';

/** The service ends a row of commits where it would become larger, in characters. */
const MAX_ROW = 32 * 2 ** 10;

/** How an event begins: what of it differs from copy to copy, and its type. */
const HEAD = /^\{"id":\d+,"type":"([^"]*)","time":"([^"]*)","runId":"[^"]*"/;

interface TemplateEvent {
  readonly type: string;
  /** How long after the start of its run it was, in milliseconds. */
  readonly afterMs: number;
  /** Its text behind the id of its run. */
  readonly rest: string;
}

/** A run that was stored by the service. */
export interface Template {
  readonly task: string;
  /** Undefined for a run that is to be left as a crash does. */
  readonly end:
    | {
        readonly status: string;
        readonly afterMs: number;
        readonly repliedAfterMs: number;
        readonly answeredBy: string;
      }
    | undefined;
  /** Its events in parts, each of which copies in flight together write together: each result begins one. */
  readonly parts: readonly (readonly TemplateEvent[])[];
  /** The last event in the database. */
  readonly lastId: number;
}

interface RunRow {
  readonly task: string;
  readonly status: string;
  readonly created_at: number;
  readonly finished_at: number;
  readonly replied_at: number;
  readonly answered_by: string;
}

/** A copy of the template that is written. */
interface Copy {
  readonly id: string;
  readonly startedAt: number;
  number: number;
  readonly commits: number[];
}

/** Reads the one run of a database. */
export function readTemplate(database: DatabaseSync, finished: boolean): Template {
  const runs = database
    .prepare('SELECT task, status, created_at, finished_at, replied_at, answered_by FROM runs')
    .all();
  const [run] = runs as unknown as RunRow[];
  if (!run || runs.length !== 1)
    throw new Error(`The service should have left one run, but it left ${runs.length}.`);
  const rows = database.prepare('SELECT last, events FROM commits ORDER BY first').all() as {
    last: number;
    events: string;
  }[];
  const parts: TemplateEvent[][] = [[]];
  for (const text of rows.flatMap(({ events }) => events.slice(1, -1).split(',\n'))) {
    const [head, type = '', time = ''] = HEAD.exec(text) ?? [];
    if (head === undefined) throw new Error(`The service has written an event in another way: ${text}`);
    if (!finished && type !== 'run.started' && type !== 'sub-task.started') continue;
    if (type === 'sub-task.succeeded') parts.push([]);
    parts.at(-1)?.push({ type, afterMs: Date.parse(time) - run.created_at, rest: text.slice(head.length) });
  }
  const { task, status, created_at: createdAt, answered_by: answeredBy } = run;
  const end = finished
    ? {
        ...{ status, answeredBy, afterMs: run.finished_at - createdAt },
        repliedAfterMs: run.replied_at - createdAt,
      }
    : undefined;
  return { task, end, parts, lastId: rows.at(-1)?.last ?? 0 };
}

/**
 * Writes copies of a run that were in flight together.
 *
 * @param startedAt when each of them was started, in milliseconds since 1970
 * @returns the id of the last event
 */
export function writeBatch(
  database: DatabaseSync,
  template: Template,
  lastId: number,
  startedAt: readonly number[],
): number {
  const copies = startedAt.map((ms) => ({
    id: uuidv7({ msecs: ms }),
    startedAt: ms,
    number: 0,
    commits: [],
  }));
  let last = lastId;
  for (const part of template.parts) last = writePart(database, part, last, copies);
  writeRuns(database, template, copies);
  return last;
}

function writePart(
  database: DatabaseSync,
  part: readonly TemplateEvent[],
  lastId: number,
  copies: readonly Copy[],
): number {
  const insert = database.prepare(
    'INSERT INTO commits (first, last, events, previous, checksum) VALUES (?, ?, ?, ?, ?)',
  );
  const newest = database.prepare('SELECT checksum FROM commits ORDER BY first DESC LIMIT 1').get();
  let previous = Number(newest?.checksum ?? 0);
  let first = lastId + 1;
  let last = lastId;
  let row = '';
  const end = (): void => {
    const events = `[${row}]`;
    const checksum = crc32(events, crc32(`${first},${last},`, previous));
    insert.run(first, last, events, previous, checksum);
    previous = checksum;
    first = last + 1;
    row = '';
  };
  for (const copy of copies) {
    for (const { type, afterMs, rest } of part) {
      const time = new Date(copy.startedAt + afterMs).toISOString();
      const text = `{"id":${last + 1},"type":"${type}","time":"${time}","runId":"${copy.id}"${rest}`;
      if (row !== '' && row.length + text.length > MAX_ROW) end();
      row += row === '' ? text : `,\n${text}`;
      last += 1;
      // A run's number is the id of its first event.
      copy.number ||= last;
      if (copy.commits.at(-1) !== first) copy.commits.push(first);
    }
  }
  end();
  return last;
}

function writeRuns(database: DatabaseSync, { task, end }: Template, copies: readonly Copy[]): void {
  const insert = database.prepare(
    end
      ? `INSERT INTO runs (number, id, task, created_at, status, finished_at, commits, replied_at, answered_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
      : 'INSERT INTO open_runs (number, id, task, created_at) VALUES (?, ?, ?, ?)',
  );
  for (const { number, id, startedAt, commits } of copies) {
    const ended = end
      ? [
          end.status,
          startedAt + end.afterMs,
          JSON.stringify(commits),
          startedAt + end.repliedAfterMs,
          end.answeredBy,
        ]
      : [];
    insert.run(number, id, task, startedAt, ...ended);
  }
}
