import type { RunEvent, StartCause } from '../core/events.js';
import { aboutRun } from '../core/new-event.js';
import type { Labels } from '../core/labels.js';
import type { Redaction } from '../core/redaction.js';
import { originFields, type OriginFields } from '../core/run-origin.js';
import type { RunRecord } from '../core/run-record.js';
import type { Execution } from './execution.js';
import { definitionOf, endOf, obstacleOf, type RunTerms } from './run-terms.js';
import type { Hosted, RunHost } from './run-host.js';
import type { StreamPlace } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';
import { SubTaskRun } from './sub-task-run.js';

/** A sub-task of another node's run that this node executes. It stands for that run: what it reports is fenced. */
export class GuestSubTask implements SubTaskOwner, Hosted {
  readonly id: string;
  readonly about: string;
  readonly task: string;
  readonly client: string | undefined;
  readonly labels: Labels | undefined;
  readonly endsAt: number;
  readonly isGuest = true;
  /** Its run hears of its events through the log. */
  readonly shared = true;
  readonly originFields: OriginFields;
  readonly number: number;
  readonly commits: number[] = [];
  readonly lastEventId = 0;
  lastMs: number;
  repliedMs = 0;
  answeredBy = null;
  readonly subTasks: readonly [SubTaskRun];
  private isOver = false;

  /**
   * @param name of the sub-task
   * @param onRefused called when it isn't this node's to execute any more
   */
  constructor(
    private readonly host: RunHost,
    readonly terms: RunTerms,
    record: Readonly<RunRecord>,
    name: string,
    private readonly onRefused: () => void,
  ) {
    this.id = terms.id;
    this.task = terms.task;
    this.client = terms.origin.clientId ?? undefined;
    this.labels = terms.labels;
    this.about = aboutRun(terms.id, this);
    this.endsAt = endOf(terms, host.execution.journal, record);
    this.number = record.firstEventId;
    this.lastMs = Date.parse(record.lastEventTime);
    this.originFields = originFields(terms.origin, terms.task);
    const subTask = new SubTaskRun(this, name, definitionOf(terms, name));
    this.subTasks = [subTask];
    const state = record.subTasks.find((candidate) => candidate.name === name);
    if (state) subTask.restore(state);
  }

  get execution(): Execution {
    return this.host.execution;
  }

  get parsedInput(): unknown {
    return this.terms.parsedInput;
  }

  get redaction(): Redaction | undefined {
    return this.terms.definition?.redaction;
  }

  /** The names of its sub-tasks that this process executes, or is to. */
  get here(): string[] {
    return this.subTasks.filter(({ isHere }) => isHere).map(({ name }) => name);
  }

  /** Begins it, or fails it where the service can't execute it any more. @param cause why it starts, where it hasn't */
  begin(cause: StartCause | undefined): void {
    const [subTask] = this.subTasks;
    const obstacle = obstacleOf(this.terms, subTask.name);
    if (obstacle) subTask.fail(obstacle);
    else {
      subTask.prepare(cause);
      subTask.enqueue();
    }
  }

  /** Ends it here without an outcome: it has one, or another node executes it. */
  leave(): void {
    this.isOver = true;
    this.subTasks[0].abandon();
    this.terms.trace?.left(this.execution.journal.now());
    this.host.ended(this);
  }

  /** The node of its run alone knows who leads. */
  placeOfStream(): StreamPlace {
    return 'lost';
  }

  append(event: RunEvent, fenced: boolean): void {
    if (this.isOver) return;
    this.execution.journal.append(this, event, { fenced });
    // Nobody tells it what is committed: its run hears of that.
    this.terms.trace?.committed(event);
  }

  committed(): void {
    // Its run hears of it.
  }

  refused(): void {
    this.onRefused();
  }

  changeWaiting(by: 1 | -1): void {
    this.host.changeQueue(by, this.terms.key);
  }

  changeHere(by: 1 | -1): void {
    this.host.changeHere(by);
  }
}
