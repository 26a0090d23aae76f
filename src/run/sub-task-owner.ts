import type { SubTaskEvent } from '../core/events.js';
import type { Labels } from '../core/labels.js';
import type { Redaction } from '../core/redaction.js';
import type { Execution } from './execution.js';
import type { JournaledRun } from './journaled-run.js';
import type { StreamPlace } from './stream-reading.js';
import type { RunTerms } from './run-terms.js';

/** The part of a run that its sub-tasks need. A guest sub-task stands for the run of another node. */
export interface SubTaskOwner extends JournaledRun {
  readonly terms: RunTerms;
  /** The name of the task. */
  readonly task: string;
  /** Who started the run: see `RunOrigin`. */
  readonly client: string | undefined;
  readonly labels: Labels | undefined;
  /** The input that sub-tasks get. */
  readonly parsedInput: unknown;
  /** When the deadline ends the run, in milliseconds since 1970 by the journal's clock; Infinity without a deadline. */
  readonly endsAt: number;
  /** Which values the journal must not have. A run with such values stays on its node, because other nodes know runs only from the journal. */
  readonly redaction: Redaction | undefined;
  readonly execution: Execution;
  /** Whether the run belongs to another node. Then its sub-task must not leave this node again before it has begun. */
  readonly isGuest: boolean;
  /** Where the stream of a sub-task begins whose attempt begins now. */
  placeOfStream(subTask: string): StreamPlace;
  /** @param fenced whether the event is recorded only if its attempt is still the one that counts */
  append(event: SubTaskEvent, fenced: boolean): void;
  /** A sub-task begins to wait for a slot (1), or waits no more (-1). */
  changeWaiting(by: 1 | -1): void;
  /** A sub-task is this process's to execute (1), or is no more (-1). */
  changeHere(by: 1 | -1): void;
}
