import { Injectable } from '@nestjs/common';
import { last, Subject, takeUntil, timer, type Observable } from 'rxjs';
import { EmbeddedEngine } from '../engine/embedded-engine.js';
import type { RunEvent } from '../events/catalog.js';
import { EventBus } from '../events/event-bus.js';
import { MemoryJournal } from '../journal/memory-journal.js';
import { acceptRun, type AcceptedRun } from './accepted-run.js';
import { DomainError } from './domain-error.js';
import { milliseconds } from './duration.js';
import { deepFreeze, type JsonValue } from './json.js';
import { decideBy, replyOf } from './reply.js';
import { outcomeOf } from './run-state.js';
import { runStatus, type Outcome, type Reply, type RunStatus } from './run.js';
import { TaskRegistry } from './task-registry.js';
import type { RunRequest } from './tasks.schemas.js';

/** What a caller is told when the reply policy is met. */
export interface Answer {
  readonly runId: string;
  readonly task: string;
  readonly status: RunStatus;
  readonly result: JsonValue;
  readonly answeredBy: string | readonly string[];
  /** The sub-tasks that are still unfinished. */
  readonly background: readonly string[];
}

@Injectable()
export class TasksService {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly engine: EmbeddedEngine,
    private readonly journal: MemoryJournal,
    private readonly bus: EventBus,
  ) {}

  /**
   * Starts all sub-tasks of a task at once, and resolves as soon as the journal has the reply that the run's
   * policy makes of their outcomes. The others go on in the background.
   *
   * @throws {DomainError} `task-unknown`, `invalid-request`, `overloaded`, `stopping`; `run-failed` or
   * `run-cancelled` when the policy can't be met any more
   */
  async start(taskName: string, request: RunRequest = {}): Promise<Answer> {
    const run = await acceptRun(this.registry.get(taskName), request);
    this.engine.execute(run);
    return answer(await this.follow(run));
  }

  /** Journals the reply when the outcomes decide it, and the end of the run; resolves when the reply is committed. */
  private follow(run: AcceptedRun): Promise<RunEvent<'run.replied'>> {
    const about = { runId: run.id, task: run.task.name };
    const names = run.task.subTasks.map(({ name }) => name);
    const settled: Outcome[] = [];
    const outcomes = new Subject<Outcome>();
    let reply: Reply | undefined;
    let stage: 'open' | 'replied' | 'finished' = 'open';
    outcomes.pipe(decideBy(run.replyPolicy, names.length)).subscribe(() => {
      reply = deepFreeze(replyOf(run.replyPolicy, settled));
    });
    /** Called when all events of a commit are in, so that the reply tells of each of them. */
    const conclude = (): void => {
      if (!reply) return;
      const background = names.filter((name) => !settled.some(({ subTask }) => subTask === name));
      const status = runStatus(reply, settled);
      if (stage === 'open') {
        stage = 'replied';
        const data = { reply, status: background.length > 0 ? 'running' : status, background } as const;
        void this.journal.append({ type: 'run.replied', ...about, data });
        if (background.length > 0) this.releaseLosers(run, outcomes);
      }
      if (background.length > 0 || stage === 'finished') return;
      stage = 'finished';
      outcomes.complete();
      void this.journal.append({ type: 'run.finished', ...about, data: { status } });
    };
    return new Promise((resolve) => {
      this.bus.ofRun(run.id).subscribe((event) => {
        if (event.type === 'run.replied') resolve(event);
        const outcome = outcomeOf(event);
        if (!outcome) return;
        settled.push(outcome);
        outcomes.next(outcome);
        queueMicrotask(conclude);
      });
    });
  }

  private releaseLosers({ id, losers }: AcceptedRun, outcomes: Observable<Outcome>): void {
    if (losers === 'continue') return;
    if (losers === 'cancel') {
      this.engine.cancel(id, 'not needed after the reply');
      return;
    }
    const finished = outcomes.pipe(last(null, undefined));
    timer(milliseconds(losers.after))
      .pipe(takeUntil(finished))
      .subscribe(() => {
        this.engine.cancel(id, `unfinished ${losers.after} after the reply`);
      });
  }
}

function answer({ runId, task, data }: RunEvent<'run.replied'>): Answer {
  const { reply, status, background } = data;
  if (!('error' in reply)) return { runId, task, status, ...reply, background };
  throw new DomainError(reply.error.code, reply.error.message, { runId, failures: reply.error.failures });
}
