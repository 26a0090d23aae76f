import type { StartCause } from '../core/events.js';

/** A sub-task that leaves its node: whichever takes it on executes it, and its run stays where it is followed. */
export interface PlacedSubTask {
  readonly runId: string;
  readonly task: string;
  readonly subTask: string;
  /** Attempts begun so far. */
  readonly attempts: number;
  /** Whether only nodes whose role is to take work may take it on. */
  readonly worker: boolean;
  /** When it is due; undefined for at once. */
  readonly dueAt?: Date | undefined;
  /** Why it starts, where it has not begun. */
  readonly cause?: StartCause | undefined;
}

/** What a caller asked of a run through a node that doesn't follow it. */
export interface RunCommand {
  readonly runId: string;
  readonly kind: 'cancel' | 'retry';
  /** The one to retry. */
  readonly subTask?: string | undefined;
}

/** What nodes do with a journal that they share. */
export interface Sharing {
  /** Lets a sub-task of a run of this node leave it, in the commit of what was appended last. */
  place(subTask: PlacedSubTask): void;

  /**
   * Nothing more is to be told of a sub-task that left this node: its run has heard how it ended. Not before: what the node that
   * follows the run tells of it until then must be fenced out.
   */
  letGo(subTask: { readonly runId: string; readonly subTask: string }): void;

  /** Whether another node has room for a sub-task; one that was found free is not offered again before it says so anew. */
  takeIdleSlot(): boolean;

  /**
   * Asks the node that follows a run to do something with it. It is kept until that, or the node after it, has.
   *
   * @throws {DomainError} `journal-unavailable`
   */
  command(command: RunCommand): Promise<void>;
}
