import type { Duration } from '../core/duration.js';
import type { EventType, RunEvent } from '../core/events.js';
import { runOf } from '../core/run-record.js';
import type { Parts } from '../library/parts.js';
import { Readers } from '../library/readers.js';
import { RunHandle, type RunView } from '../library/run-handle.js';
import { runView } from '../tasks/run-view.js';
import type { Core } from './core.js';
import type { Patience } from './patience.js';

/** Selects an event of its type. */
export interface EventFilter {
  /** The name of a sub-task. */
  readonly subTask?: string;
  readonly attempt?: number;
}

/** A run within a test. */
export class TestRun<Result = unknown> extends RunHandle<Result> {
  constructor(
    parts: Parts,
    run: RunHandle<unknown, unknown>,
    private readonly core: Core,
    private readonly patience: Patience,
  ) {
    super(parts, RunHandle.startOf(run), new Readers());
  }

  /** The run as it is now. */
  get state(): RunView {
    return runView(runOf(this.core.events.filter(({ runId }) => runId === this.id)));
  }

  override reply(options?: { readonly wait?: Duration }): ReturnType<RunHandle<Result>['reply']> {
    return this.patience.await(this, 'reply', super.reply(options));
  }

  override finished(options?: { readonly wait?: Duration }): Promise<RunView> {
    return this.patience.await(this, 'end', super.finished(options));
  }

  /** Resolves when there is a reply, even if that is an error. */
  replied(): Promise<RunEvent<'run.replied'>> {
    return this.until('run.replied');
  }

  /** Resolves with the first event of a type as soon as it is committed. Rejects when the run ends without one. */
  until<T extends EventType>(type: T, filter: EventFilter = {}): Promise<RunEvent<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<RunEvent<T>>();
    const check = (): void => {
      const events = this.core.events.filter(({ runId }) => runId === this.id);
      const found = events.find((event) => event.type === type && fits(event, filter));
      if (found) resolve(found as RunEvent & RunEvent<T>);
      else if (events.at(-1)?.type === 'run.finished')
        reject(new Error(`The run has ended without ${type}: ${this.describe()}`));
    };
    this.core.watchers.add(check);
    check();
    const ended = promise.finally(() => this.core.watchers.delete(check));
    return this.patience.await(this, type, ended);
  }

  /** The state of the run in one line. */
  describe(): string {
    const { status, reply, subTasks } = this.state;
    const by = reply && 'answeredBy' in reply ? `, answered by ${[reply.answeredBy].flat().join(', ')}` : '';
    const parts = subTasks.map(
      ({ name, status, attempts }) => `${name} is ${status}${attempts > 1 ? ` (attempt ${attempts})` : ''}`,
    );
    return `the run is ${status}${by}; ${parts.join(', ')}`;
  }
}

function fits(event: RunEvent, { subTask, attempt }: EventFilter): boolean {
  if (subTask !== undefined && !('subTask' in event && event.subTask === subTask)) return false;
  return attempt === undefined || ('attempt' in event && event.attempt === attempt);
}
