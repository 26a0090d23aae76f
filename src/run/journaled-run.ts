import type { RunEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { OriginFields } from '../core/run-origin.js';
import type { AnsweredBy } from '../core/run-standing.js';

/** A run as its journal knows it. */
export interface JournaledRun {
  readonly id: string;
  /** The text that `aboutRun` makes of the run. */
  readonly about: string;
  /** The id of the run's `run.started` event, once known. Rows refer to the run by this number. */
  number: number | undefined;
  /** The first event id of each row of the log that has events of the run, in order. The journal adds to them. */
  readonly commits: number[];
  /**
   * Whether other nodes commit events of the run too. Then the run is told of all its events in the order of the log, and not of its own as
   * soon as they are committed.
   */
  shared: boolean;
  /** The id of the last event that the run was told of, or was made from; 0 without one. */
  readonly lastEventId: number;
  /** Time of the run's last event here, in milliseconds since 1970: no later event is earlier. 0 without one. */
  lastMs: number;
  /** When the reply was appended, in milliseconds since 1970; 0 without one. The journal keeps it, and `answeredBy`, with the run's end. */
  repliedMs: number;
  answeredBy: AnsweredBy;
  /** Fields of log lines about the request that started the run. */
  readonly originFields: OriginFields;
  readonly terms?: { readonly replyPolicy: ReplyPolicy };
  /** Time of `run.started`; undefined for a run that was reopened. */
  readonly startedAt?: string | undefined;
  /** Called for each event of the run when it is committed. */
  committed(event: RunEvent): void;
  /**
   * Called for an event that was fenced out: another node has decided what is recorded, or the run that was to go on again is deleted.
   *
   * @param isLost whether another node has the whole run now, and not only one of its sub-tasks
   */
  refused(event: RunEvent, isLost: boolean): void;
}

/** An event and its run, in a batch that is committed together. */
export interface JournalEntry {
  readonly run: JournaledRun;
  readonly event: RunEvent;
}
