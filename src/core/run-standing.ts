import type { Reply } from './run.js';
import type { RunRecord } from './run-record.js';

/** The sub-tasks whose results are in a reply: see `answeredBySchema`. Null where the reply is an error, or there is none. */
export type AnsweredBy = string | readonly string[] | null;

/** The recorded facts about a run's reply. */
export interface RecordedReply {
  /** RFC 3339; null as long as there is no reply. */
  readonly repliedAt: string | null;
  readonly answeredBy: AnsweredBy;
}

/** How far a run has come. */
export interface RunStanding extends RecordedReply {
  /** Names of the sub-tasks that have not ended. */
  readonly unfinished: readonly string[];
}

export function answeredBy(reply: Reply): AnsweredBy {
  return 'answeredBy' in reply ? reply.answeredBy : null;
}

export function standingOf({ decision, repliedAt, subTasks }: Readonly<RunRecord>): RunStanding {
  return {
    repliedAt,
    answeredBy: decision && answeredBy(decision.reply),
    unfinished: subTasks.filter(({ finishedAt }) => finishedAt === null).map(({ name }) => name),
  };
}
