import type { RunEvent } from '../core/events.js';
import type { ReplyPolicy } from '../core/policies.js';
import type { OriginFields } from '../core/run-origin.js';
import type { AnsweredBy } from '../core/run-standing.js';

/** A run as its journal knows it. */
export interface JournaledRun {
  readonly id: string;
  /** What `aboutRun` says of it. */
  readonly about: string;
  /** The id of its `run.started` event, once that is known: rows refer to the run by it. */
  number: number | undefined;
  /** The first event of each row of the log that has events of it, in their order. The journal adds to them. */
  readonly commits: number[];
  /**
   * Whether other nodes commit events of it too. Then it is told of all its events in the order of the log, and not of its own as
   * soon as they are committed.
   */
  shared: boolean;
  /** The last of its events that it was told of, or was made from; 0 without one. */
  readonly lastEventId: number;
  /** When its last event here was, in milliseconds since 1970: none that follows is earlier. 0 without one. */
  lastMs: number;
  /** When its reply was appended, in milliseconds since 1970, and whose result that has: the journal keeps both with its end. 0 and null without one. */
  repliedMs: number;
  answeredBy: AnsweredBy;
  /** What log lines say of the request that it came with. */
  readonly originFields: OriginFields;
  readonly terms?: { readonly replyPolicy: ReplyPolicy };
  /** When it started, as its `run.started` says; undefined for one that was reopened. */
  readonly startedAt?: string | undefined;
  /** Called for each of its events when that is committed. */
  committed(event: RunEvent): void;
  /**
   * Called for an event that was fenced out: another node has decided what is recorded, or the run that was to go on again is deleted.
   *
   * @param isLost whether the run is another node's now, and not only a sub-task of it
   */
  refused(event: RunEvent, isLost: boolean): void;
}

/** An event and its run, in a batch that is committed together. */
export interface JournalEntry {
  readonly run: JournaledRun;
  readonly event: RunEvent;
}
