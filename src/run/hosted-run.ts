import type { RunEvent } from '../core/events.js';
import type { Labels } from '../core/labels.js';
import { aboutRun } from '../core/new-event.js';
import type { Redaction } from '../core/redaction.js';
import { originFields, type OriginFields } from '../core/run-origin.js';
import type { RunRecord } from '../core/run-record.js';
import type { AnsweredBy } from '../core/run-standing.js';
import type { Execution } from './execution.js';
import type { Hosted, RunHost } from './run-host.js';
import { endOf, type RunTerms } from './run-terms.js';
import type { StreamPlace } from './stream-reading.js';
import type { SubTaskOwner } from './sub-task-owner.js';
import type { SubTaskRun } from './sub-task-run.js';

/** A run that this process executes: all sub-tasks that are not placed elsewhere, or, as a guest, one sub-task. */
export abstract class HostedRun implements SubTaskOwner, Hosted {
  readonly id: string;
  readonly about: string;
  readonly task: string;
  readonly client: string | undefined;
  readonly labels: Labels | undefined;
  readonly originFields: OriginFields;
  readonly endsAt: number;
  readonly execution: Execution;
  readonly parsedInput: unknown;
  number: number | undefined;
  readonly commits: number[] = [];
  lastMs: number;
  repliedMs = 0;
  answeredBy: AnsweredBy = null;
  abstract readonly isGuest: boolean;
  abstract readonly subTasks: readonly SubTaskRun[];
  abstract shared: boolean;
  abstract readonly lastEventId: number;

  /** @param record what another process has recorded of the run */
  protected constructor(
    protected readonly host: RunHost,
    readonly terms: RunTerms,
    record?: Readonly<RunRecord>,
  ) {
    const { id, task, origin, labels } = terms;
    this.id = id;
    this.task = task;
    this.client = origin.clientId ?? undefined;
    this.labels = labels;
    this.about = aboutRun(id, this);
    this.originFields = originFields(origin, task);
    this.execution = host.execution;
    this.parsedInput = terms.parsedInput;
    this.endsAt = endOf(terms, host.execution.journal, record);
    this.number = record?.firstEventId;
    this.lastMs = record ? Date.parse(record.lastEventTime) : 0;
  }

  get redaction(): Redaction | undefined {
    return this.terms.definition?.redaction;
  }

  /** Names of the sub-tasks that this process executes or is going to execute. */
  get here(): string[] {
    return this.subTasks.filter(({ isHere }) => isHere).map(({ name }) => name);
  }

  changeHere(by: 1 | -1): void {
    this.host.changeHere(by);
  }

  abstract append(event: RunEvent, fenced: boolean): void;
  abstract committed(event: RunEvent): void;
  abstract refused(event: RunEvent, isLost: boolean): void;
  abstract changeWaiting(by: 1 | -1): void;
  abstract placeOfStream(subTask: string): StreamPlace;
}
