import type { NewEvent, RunEvent } from '../events/catalog.js';
import type { Run } from '../tasks/run.js';

/** Why the journal takes no new runs at the moment. */
export interface Obstacle {
  /** `overloaded`: commits fall behind. `journal-unavailable`: they fail, and are tried again until they don't. */
  readonly code: 'overloaded' | 'journal-unavailable';
  readonly message: string;
}

/**
 * The record of runs and the ordered log of their events. It commits in groups and in order, numbers the events
 * without a gap, and publishes each on the bus after its commit, never while `append` runs.
 */
export abstract class Journal {
  /** Whether what is committed outlives the process. */
  abstract readonly durable: boolean;
  /** Undefined while new runs may be started. What belongs to runs that were started is always taken. */
  abstract readonly obstacle: Obstacle | undefined;

  /**
   * Records an event behind all that were appended before it. Resolves when it is committed.
   *
   * @throws {Error} for a run that was never started or is finished
   */
  abstract append(event: NewEvent): Promise<void>;

  /**
   * The run with all that was appended to it so far, or while commits fail, with all that is committed; undefined when
   * there is none, or none any more.
   */
  abstract run(id: string): Promise<Readonly<Run> | undefined>;

  /** The events of each run that was unfinished when the journal was opened, the oldest run first. */
  abstract unfinished(): AsyncIterable<readonly RunEvent[]>;

  /** Resolves when everything appended is committed and published, or is past hope of being so before a stop. */
  abstract drain(): Promise<void>;

  /** Gives back what it holds. What was appended is lost unless it was drained before. */
  abstract close(): Promise<void>;
}
