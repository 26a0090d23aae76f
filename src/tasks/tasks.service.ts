import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Runs } from '../run/runs.js';
import { acceptRun } from './accepted-run.js';
import { CoalescedRuns } from './coalesced-runs.js';
import { DomainError } from '../core/domain-error.js';
import { MAX_DURATION_MS } from '../core/duration.js';
import { Measures } from '../core/measures.js';
import { IdempotentRuns, type ClientKey } from './idempotent-runs.js';
import { PastReplies } from './past-replies.js';
import type { RunOrigin } from '../core/run-origin.js';
import { RunReplies } from './run-replies.js';
import { RunWatch } from './run-watch.js';
import { RunWebhooks } from './run-webhooks.js';
import type { Answer, PastReply, StartedRun } from './started-run.js';
import { TaskRegistry } from './task-registry.js';
import type { RunRequest } from './tasks.schemas.js';

@Injectable()
export class TasksService {
  constructor(
    private readonly registry: TaskRegistry,
    private readonly runs: Runs,
    private readonly idempotent: IdempotentRuns,
    private readonly watch: RunWatch,
    private readonly webhooks: RunWebhooks,
    private readonly replies: RunReplies,
    private readonly coalesced: CoalescedRuns,
    private readonly past: PastReplies,
    private readonly measures: Measures,
  ) {}

  /**
   * Starts a run: all sub-tasks at once, except those with another start rule. With a key that was used before, finds the run of that key. Without a
   * key, finds the run that answers equal requests, where the task coalesces or reuses runs.
   *
   * @param origin ties the run to the request in the caller's logs and traces
   * @param headers of the request; the run keeps those that the task names
   * @throws {DomainError} `task-unknown`, `invalid-request`, `idempotency-key-reused`, `overloaded`,
   * `journal-unavailable`, `worker-node`, `stopping`
   */
  async start(
    task: string,
    request: RunRequest = {},
    origin: RunOrigin = {},
    key?: ClientKey,
    headers?: IncomingHttpHeaders,
  ): Promise<StartedRun> {
    const definition = this.registry.get(task);
    const terms = await acceptRun(definition, request, origin, this.webhooks, headers);
    if (!key) {
      const { coalescing } = definition;
      if (coalescing) return this.coalesced.start(terms, request, coalescing);
      this.runs.start(terms);
      return { runId: terms.id, task, replayed: false };
    }
    const shared = await this.idempotent.share(key, request, terms, (claimed) =>
      this.runs.start(terms, claimed).reply(0),
    );
    return { task, ...shared };
  }

  /**
   * Resolves as soon as the journal has the outcomes from which the run's policy makes the reply. The losers policy says what
   * becomes of the other sub-tasks.
   *
   * @returns undefined when the reply takes longer than `waitMs` milliseconds, but not before the journal has the run
   * @throws {DomainError} `run-failed` or `run-cancelled` when the policy can't be met any more, `run-disputed`, `deadline-exceeded`, `stopping`
   */
  reply(run: StartedRun): Promise<Answer>;
  reply(run: StartedRun, waitMs: number): Promise<Answer | undefined>;
  reply(run: StartedRun, waitMs = MAX_DURATION_MS): Promise<Answer | undefined> {
    const { reused, stale } = run;
    if (reused) return Promise.resolve(reused);
    const reply = this.replies.of(run, waitMs);
    return stale ? reply.catch((failure: unknown) => this.pastReply(run, failure)) : reply;
  }

  /**
   * Resolves when the journal has a run. It always has runs that are not live.
   *
   * @throws {DomainError} `invalid-request`, `journal-unavailable`, `stopping`
   */
  recorded(run: StartedRun): Promise<void> {
    return this.replies.recorded(run);
  }

  /** Ends the work of this process: see {@link Runs.stop}. When it resolves, all appended events are committed. */
  async stop(): Promise<void> {
    this.watch.stop();
    await this.runs.stop();
  }

  /**
   * The reply of a past run that replaces a failure of this run, where that reply is not too old.
   *
   * @throws the failure where no past run answers, {@link DomainError} `journal-unavailable`
   */
  async pastReply({ stale }: Pick<StartedRun, 'stale'>, failure: unknown): Promise<PastReply> {
    const past = stale && isFailure(failure) ? await this.past.replyOf(stale.runId) : undefined;
    if (!stale || !past || past.ageMs >= stale.maxAgeMs) throw failure;
    for (const hearer of this.measures.hearers) hearer.shared(past.task, 'stale');
    return past;
  }
}

/** Whether the run itself failed. False for a cancelled run, and for errors of the service. */
function isFailure(error: unknown): boolean {
  return error instanceof DomainError && FAILURES.has(error.code);
}

const FAILURES: ReadonlySet<string> = new Set(['run-failed', 'run-disputed', 'deadline-exceeded']);
