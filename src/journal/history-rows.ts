import { labelsOf } from '../core/labels.js';
import type { RunStatus } from '../core/run.js';
import type { AnsweredBy } from '../core/run-standing.js';
import type { RunPage } from '../run/journal-pages.js';
import { timeText } from './event-clock.js';
import { pageOf } from './history-page.js';

/** A row of the history. Times are milliseconds since 1970 in UTC. */
export interface RunRow {
  /** The id of its `run.started` event. */
  readonly number: number;
  readonly id: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly created_at: number;
  readonly finished_at: number | null;
  /** When the run was replied to. Null for an open run, and in rows of versions that didn't record it. */
  readonly replied_at: number | null;
  /** See {@link answeredByText}. */
  readonly answered_by: string | null;
  /** Each as `name:value`; undefined without any. */
  readonly labels?: readonly string[] | undefined;
}

/** A page of runs from the rows of `historyQuery()`. */
export function pageOfRows(rows: readonly RunRow[], limit: number): RunPage {
  return pageOf(
    rows.map((row) => ({
      position: { createdAt: row.created_at, number: row.number },
      run: {
        id: row.id,
        task: row.task,
        status: row.status,
        createdAt: timeText(row.created_at),
        finishedAt: row.finished_at === null ? null : timeText(row.finished_at),
        labels: row.labels && labelsOf(row.labels),
        ...(row.replied_at !== null && {
          reply: { repliedAt: timeText(row.replied_at), answeredBy: answeredByOf(row.answered_by) },
        }),
      },
    })),
    limit,
  );
}

/** Who answered, as text: one name as it is, several as JSON. No name begins with a bracket. */
export function answeredByText(answeredBy: AnsweredBy): string | null {
  return typeof answeredBy === 'string' || answeredBy === null ? answeredBy : JSON.stringify(answeredBy);
}

function answeredByOf(text: string | null): AnsweredBy {
  return text?.startsWith('[') ? (JSON.parse(text) as string[]) : text;
}
