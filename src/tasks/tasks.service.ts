import { Injectable } from '@nestjs/common';
import { EmbeddedEngine } from '../run/embedded-engine.js';
import { Journal, type IdempotencyKey } from '../run/journal.js';
import { acceptRun, type AcceptedRun } from './accepted-run.js';
import { DomainError } from '../core/domain-error.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import { IdempotentRuns, type ClientKey } from './idempotent-runs.js';
import type { JsonValue } from '../core/json.js';
import { Recovery } from './recovery.js';
import { RunCoordinator, type Undecided } from '../run/run-coordinator.js';
import type { RunOrigin } from '../core/run-origin.js';
import { RunWatch } from './run-watch.js';
import type { Decision, RunStatus } from '../core/run.js';
import type { RunRecord } from '../core/run-record.js';
import { TaskRegistry } from './task-registry.js';
import type { RunRequest } from './tasks.schemas.js';

/** A run that was started, now or by an earlier request with the same `Idempotency-Key`. */
export interface StartedRun {
  readonly runId: string;
  readonly task: string;
  /** Whether it is the run of an earlier request. */
  readonly replayed: boolean;
}

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
    private readonly recovery: Recovery,
    private readonly idempotent: IdempotentRuns,
    private readonly watch: RunWatch,
    private readonly journal: Journal,
  ) {}

  /**
   * Starts the sub-tasks of a task, all at once but for those with another start rule; with a key that was used before, finds the run of that.
   *
   * @param origin what ties the run to the logs of whoever asked for it
   * @throws {DomainError} `task-unknown`, `invalid-request`, `idempotency-key-reused`, `overloaded`,
   * `journal-unavailable`, `worker-node`, `stopping`
   */
  async start(
    task: string,
    request: RunRequest = {},
    origin: RunOrigin = {},
    key?: ClientKey,
  ): Promise<StartedRun> {
    const run = await acceptRun(this.registry.get(task), request, origin);
    if (!key) {
      void this.begin(run);
      return { runId: run.id, task, replayed: false };
    }
    const shared = await this.idempotent.share(key, { task, request }, run.id, (claimed) =>
      this.begin(run, claimed),
    );
    return { task, ...shared };
  }

  /**
   * Resolves as soon as the journal has the outcomes of which the run's policy makes the reply. The other sub-tasks go
   * on in the background.
   *
   * @returns undefined when it takes longer than `waitMs` milliseconds; not before the journal has the run
   * @throws {DomainError} `run-failed` or `run-cancelled` when the policy can't be met any more, `stopping`
   */
  async reply(run: StartedRun): Promise<Answer>;
  async reply(run: StartedRun, waitMs: number): Promise<Answer | undefined>;
  async reply({ runId, task }: StartedRun, waitMs = MAX_DURATION_MS): Promise<Answer | undefined> {
    const until = performance.now() + waitMs;
    let decision = this.coordinator.follows(runId)
      ? await this.coordinator.decision(runId, waitMs)
      : await this.pastDecision(runId, waitMs);
    if (decision && 'recorded' in decision && decision.elsewhere) {
      if (!decision.recorded) throw unrecorded(runId);
      decision = await this.decisionElsewhere(runId, Math.max(0, until - performance.now()));
    }
    return decision && answer(runId, task, decision);
  }

  /** Ends the work of this process: see the engine's `stop`. What was appended is committed when it resolves. */
  async stop(): Promise<void> {
    this.watch.stop();
    await this.engine.stop();
    this.coordinator.stop();
  }

  private begin(run: AcceptedRun, key?: IdempotencyKey): Promise<void> {
    const startedAt = performance.now();
    const accepted = this.engine.execute(run, key);
    const { id, task, replyPolicy, losers } = run;
    const subTasks = task.subTasks.map(({ name }) => name);
    const terms = { id, task: task.name, subTasks, replyPolicy, losers };
    this.coordinator.follow(terms, { task, startedAt, accepted });
    return accepted;
  }

  /** The decision of a run that is finished, that another node follows, or that recovery has still to take up. */
  private async pastDecision(runId: string, waitMs: number): Promise<Decision | Undecided | undefined> {
    const run = await this.watch.get(runId);
    if (waitMs === 0) return undefined;
    if (run.decision && run.finishedAt !== null) return run.decision;
    if (this.journal.sharing) return this.decisionElsewhere(runId, waitMs);
    if (!(await this.recovery.takeUp(run))) return { recorded: true, elsewhere: false };
    if (this.coordinator.follows(runId)) return this.coordinator.decision(runId, waitMs);
    return (await this.watch.get(runId)).decision ?? undefined;
  }

  /** The decision of a run that another node follows, or will as soon as it is known that the one before has gone. */
  private async decisionElsewhere(runId: string, waitMs: number): Promise<Decision | undefined> {
    const types = ['run.replied', 'run.finished'] as const;
    const { decision } = await this.watch.when(runId, isDecided, { waitMs, types });
    return decision ?? undefined;
  }
}

/** An error may be decided anew as long as the run goes on. */
function isDecided({ decision, finishedAt }: Readonly<RunRecord>): boolean {
  return decision !== null && (finishedAt !== null || !('error' in decision.reply));
}

function unrecorded(runId: string): DomainError {
  const message = 'This node lost its place among the others before the run was recorded; send it again';
  return new DomainError('journal-unavailable', message, { runId });
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
