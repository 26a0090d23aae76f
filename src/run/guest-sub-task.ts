import type { RunEvent, StartCause } from '../core/events.js';
import type { RunRecord } from '../core/run-record.js';
import { definitionOf, obstacleOf, type RunTerms } from './run-terms.js';
import { HostedRun } from './hosted-run.js';
import type { RunHost } from './run-host.js';
import type { StreamPlace } from './stream-reading.js';
import { SubTaskRun } from './sub-task-run.js';

/** A sub-task of another node's run that this node executes. It acts as that run here. Its events are fenced. */
export class GuestSubTask extends HostedRun {
  readonly isGuest = true;
  /** The run hears of the events through the log. */
  readonly shared = true;
  readonly lastEventId = 0;
  readonly subTasks: readonly [SubTaskRun];
  private isOver = false;

  /**
   * @param name of the sub-task
   * @param onRefused called when this node may no longer execute the sub-task
   */
  constructor(
    host: RunHost,
    terms: RunTerms,
    record: Readonly<RunRecord>,
    name: string,
    private readonly onRefused: () => void,
  ) {
    super(host, terms, record);
    const subTask = new SubTaskRun(this, name, definitionOf(terms, name));
    this.subTasks = [subTask];
    const state = record.subTasks.find((candidate) => candidate.name === name);
    if (state) subTask.restore(state);
  }

  /** Begins the sub-task, or fails it where the service can't execute it any more. @param cause why the sub-task starts, if it hasn't begun */
  begin(cause: StartCause | undefined): void {
    const [subTask] = this.subTasks;
    const obstacle = obstacleOf(this.terms, subTask.name);
    if (obstacle) subTask.fail(obstacle);
    else {
      subTask.prepare(cause);
      subTask.enqueue();
    }
  }

  /** Ends the sub-task here without recording an outcome: it has one, or another node executes it. */
  leave(): void {
    this.isOver = true;
    this.subTasks[0].abandon();
    this.terms.trace?.left(this.execution.journal.now());
    this.host.ended(this);
  }

  /** Only the node of the run knows which stream leads. */
  placeOfStream(): StreamPlace {
    return 'lost';
  }

  append(event: RunEvent, fenced: boolean): void {
    if (this.isOver) return;
    this.execution.journal.append(this, event, { fenced });
    // Commits are told to the run, not to its guests.
    this.terms.trace?.committed(event);
  }

  committed(): void {
    // The run hears of it.
  }

  refused(): void {
    this.onRefused();
  }

  changeWaiting(by: 1 | -1): void {
    this.host.changeQueue(by, this.terms.key);
  }
}
