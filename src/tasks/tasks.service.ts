import { Injectable } from '@nestjs/common';
import { EmbeddedEngine } from '../engine/embedded-engine.js';
import { acceptRun } from './accepted-run.js';
import { DomainError } from './domain-error.js';
import type { JsonValue } from './json.js';
import { RunCoordinator, type Decision, type Undecided } from './run-coordinator.js';
import type { RunStatus } from './run.js';
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
    private readonly coordinator: RunCoordinator,
  ) {}

  /**
   * Starts all sub-tasks of a task at once, and resolves as soon as the journal has the outcomes of which the run's
   * policy makes the reply. The others go on in the background.
   *
   * @throws {DomainError} `task-unknown`, `invalid-request`, `overloaded`, `journal-unavailable`, `stopping`;
   * `run-failed` or `run-cancelled` when the policy can't be met any more
   */
  async start(taskName: string, request: RunRequest = {}): Promise<Answer> {
    const run = await acceptRun(this.registry.get(taskName), request);
    this.engine.execute(run);
    const { id, task, replyPolicy, losers } = run;
    const subTasks = task.subTasks.map(({ name }) => name);
    return answer(
      id,
      taskName,
      await this.coordinator.follow({ id, task: taskName, subTasks, replyPolicy, losers }),
    );
  }

  /** Ends the work of this process: see the engine's `stop`. What was appended is committed when it resolves. */
  async stop(): Promise<void> {
    await this.engine.stop();
    this.coordinator.stop();
  }
}

function answer(runId: string, task: string, decision: Decision | Undecided): Answer {
  if ('recorded' in decision) throw stopped(runId, decision);
  const { reply, status, background } = decision;
  if (!('error' in reply)) return { runId, task, status, ...reply, background };
  throw new DomainError(reply.error.code, reply.error.message, { runId, failures: reply.error.failures });
}

function stopped(runId: string, { recorded }: Undecided): DomainError {
  const message = recorded
    ? 'The service stopped before there was a reply; its next start goes on with the run'
    : 'The service stopped before it knew that the run is recorded; send it again if, after the next start, there is none';
  return new DomainError('stopping', message, { runId });
}
